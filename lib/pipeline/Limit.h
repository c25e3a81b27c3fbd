#pragma once

#include "ForkMutex.h"
#include "limits/Account.h"
#include "limits/Admission.h"
#include "tollgate/Stage.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate {
class ClientCore;
class CallImpl;
} // namespace tollgate

namespace tollgate::pipeline {

struct Report;

/// The gate of the account, then all limits or none: a permit, a time to come back, or a refusal at once if it would come too
/// late. It alone says that a permit was answered or abandoned.
class Limit final : public CallStage
{
public:
    explicit Limit(const ClientCore& core) : _core(core) {}
    Verdict before(Call& call) override;
    Verdict after(Call& call, Outcome& outcome) override;

private:
    /// The limits that cover one set of paths, and their line.
    struct Family
    {
        std::vector<RateLimitPolicyPtr> limits;
        std::shared_ptr<limits::Line> line;
    };
    struct Slot;
    const Family& familyOf(std::string_view path);
    limits::Admission admit(CallImpl& call, Slot& slot, const Patience& patience) const;
    Verdict refuse(CallImpl& call, Slot& slot, const limits::Admission& admission) const;
    static Verdict overAtStore(CallImpl& call, Slot& slot);
    void settle(CallImpl& call, Slot& slot, const Outcome& outcome);
    void tell(const Report& report) const;
    /// Tells the observer when the shared store falls into trouble or comes out of it. Answers whether it is in trouble.
    bool watchStore();

    const ClientCore& _core;
    ForkMutex _mutex;
    bool _storeTrouble = false;                                       ///< as it was told last
    std::map<std::uint64_t, std::unique_ptr<const Family>> _families; ///< by which of the client's limits cover the path
};

} // namespace tollgate::pipeline
