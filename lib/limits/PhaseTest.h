#pragma once

#include "tollgate/RateLimitPolicy.h"

#include <cstdint>

namespace tollgate::limits {

/// When a request of this weight may go so that no sliding-window counter refuses it, whatever the phase of its windows: for each
/// start p of the counter's window, what came after p plus the share of the window before that still counts must leave room
/// (docs/limits.md, all-phase test). `from` is the earliest time that the exact log allows. What is in flight counts as arriving
/// now, which it does at the earliest: so the answer is exact if nothing is in flight, else a lower bound. Linear in the log.
TimePoint earliestForAnyPhase(const LimitState& state, TimePoint now, TimePoint from, std::uint64_t capacity,
                              std::uint64_t weight, Duration hold);

} // namespace tollgate::limits
