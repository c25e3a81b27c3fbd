#pragma once

#include "tollgate/Export.h"
#include "tollgate/QuotaStore.h"

/// Two views of one account become one: what a process counted while the store was out of reach, and what the store says now. In
/// doubt the more careful of the two holds.
namespace tollgate::stores {

/// Joins `other` into `state`. Commutative and idempotent: a request is one by its permit, however often it is seen; answered
/// beats in flight, the later release, the later lock and the bad verdict win, and of two declarations the stricter.
TOLLGATE_API void mergeStates(QuotaState& state, const QuotaState& other);

/// Ends in `state` what was under way in `before` and no longer is in `after`: those requests came back in the meantime.
TOLLGATE_API void landSettled(QuotaState& state, const QuotaState& before, const QuotaState& after);

} // namespace tollgate::stores
