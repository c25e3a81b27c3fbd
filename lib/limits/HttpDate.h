#pragma once

#include "tollgate/Clock.h"

#include <optional>
#include <string_view>

namespace tollgate::limits {

/// A date in one of the three forms of RFC 9110 section 5.6.7, to the letter; the day of the week is not checked against it.
/// Dates before 1970 and after 2200 count as these years' first moments. Does not throw.
std::optional<WallTime> httpDate(std::string_view text);

} // namespace tollgate::limits
