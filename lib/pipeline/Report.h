#pragma once

#include "limits/Admission.h"
#include "tollgate/Error.h"
#include "tollgate/QuotaStore.h"
#include "tollgate/RateLimitPolicy.h"

#include <optional>
#include <string>

namespace tollgate::pipeline {

/// What an answer, or its absence, did to the account.
struct Report
{
    limits::Ask ask;
    PermitId permit;
    const ServerAnswer* answer = nullptr; ///< null: none came
    Delivery delivery = Delivery::NotSent;

    limits::GateVerdict verdict = limits::GateVerdict::Fine;
    bool moved = false; ///< others should ask again
    Duration shutFor{};
    std::optional<Duration> gateWait{};
    std::string cause{};
    const RateLimitPolicy* steppedDown = nullptr;
    bool rejected = false; ///< this version, and it was not before
    bool accepted = false; ///< this version, and it was not before
    bool unlocked = false;
    bool locked = false; ///< now, and not before
    bool broken = false; ///< by a policy that threw

    void run(QuotaState& state, TimePoint now);
    /// Back to having found nothing.
    void forget();
    /// The same change for later, when neither call nor client may be there any more.
    QuotaStore::Change forLater() const;
};

} // namespace tollgate::pipeline
