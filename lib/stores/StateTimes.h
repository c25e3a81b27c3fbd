#pragma once

#include "tollgate/Export.h"
#include "tollgate/QuotaStore.h"

/// The times within a state, all of them: for clocks that were set anew, and for clocks that jumped.
namespace tollgate::stores {

/// Moves every time by so much. Times that were never set, and `never`, stay.
TOLLGATE_API void shiftTimes(QuotaState& state, Duration by);

/// Pulls in what lies further ahead than any rule of this library puts it: a clock was wrong when it was written. A lock lasts at
/// most as long as its policy says (and six hours at least), a slot a window of 31 days, and what is past lies in the past.
TOLLGATE_API void clampTimes(QuotaState& state, TimePoint now);

} // namespace tollgate::stores
