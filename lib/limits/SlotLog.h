#pragma once

#include "tollgate/RateLimitPolicy.h"

#include <cstdint>
#include <optional>

/// The log of a limit: who is in flight, who was answered and when his slot is free again. A slot is taken from the grant until
/// the answer plus a hold, so no window of the server can see more than the capacity (Theorem A of docs/limits.md).
namespace tollgate::limits {

/// Moves what lapsed and what was released on, and forgets what lies more than two holds back.
void tidyLog(LimitState& state, TimePoint now, Duration hold);

/// Takes the flight of that permit out.
std::optional<LimitState::Flight> land(LimitState& state, PermitId permit);

/// Keeps the slot of a landed flight taken until `release`.
void cool(LimitState& state, PermitId permit, unsigned weight, TimePoint release);

/// A flight that lapsed was put among the answered ones; its late answer keeps the slot taken until `release` then.
void coolLater(LimitState& state, PermitId permit, TimePoint release);

/// The true weight, known afterwards. A slot that was merged with others, or is free again, stays as it is.
void correctWeight(LimitState& state, PermitId permit, unsigned actual);

/// Weight of the slots that are taken at `now`.
std::uint64_t busyWeight(const LimitState& state, TimePoint now);

/// How long until `need` units of `capacity` are free; at least `hold` if that depends on answers that are still to come.
Duration waitForSlots(const LimitState& state, TimePoint now, std::uint64_t capacity, std::uint64_t need, Duration hold);

} // namespace tollgate::limits
