#pragma once

#include "pipeline/CallImpl.h"
#include "tollgate/Stage.h"

#include <memory>
#include <vector>

namespace tollgate::pipeline {

/// Inside one attempt, a stage of this library: it knows the call, and so the credential.
class InnerStage
{
public:
    virtual ~InnerStage() = default;
    virtual Response run(CallImpl& call, Exchange& exchange, const Next& next) const = 0;
};

/// The stages of one client, in order.
class Pipeline
{
public:
    explicit Pipeline(const ClientCore& core);
    ~Pipeline();

    const std::vector<std::shared_ptr<CallStage>>& callStages() const noexcept { return _callStages; }
    /// Runs one attempt through the attempt stages.
    Response attempt(CallImpl& call, Exchange& exchange) const;

private:
    Response runFrom(std::size_t stage, CallImpl& call, Exchange& exchange) const;
    std::vector<std::shared_ptr<CallStage>> _callStages;
    std::vector<std::unique_ptr<const InnerStage>> _attemptStages;
};

} // namespace tollgate::pipeline
