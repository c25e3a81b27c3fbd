#pragma once

#include "tollgate/Export.h"
#include "tollgate/QuotaStore.h"

namespace tollgate::stores {

/// From when on nothing in the state changes any decision; `never` if that moment does not come by itself: a step-down, a bad
/// credential, a lock whose probe is still to go. Lower bound of nothing, upper bound of all: when in doubt it is later.
TOLLGATE_API TimePoint worthUntil(const QuotaState& state);

/// Whether an account's state is worth keeping; else it may be dropped and made anew when it is asked for.
TOLLGATE_API bool worthKeeping(const QuotaState& state, TimePoint now);

} // namespace tollgate::stores
