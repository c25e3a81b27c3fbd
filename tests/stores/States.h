#pragma once

#include "tollgate/QuotaStore.h"

#include <cstdint>
#include <random>

namespace tollgate::testing {

/// A state as it might be, with something in every field: sums are right, logs sorted.
QuotaState randomState(std::uint64_t seed, unsigned slots = 20);

/// Whether two states say the same, but for the order of flights and what no store keeps.
bool equal(const QuotaState& a, const QuotaState& b);

} // namespace tollgate::testing
