#pragma once

#include "tollgate/Clock.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::command {

/// "250ms", "5s", "1.5s", "2m", "1h". Throws UsageError: a bare number (nobody can tell seconds from milliseconds), an unknown
/// unit, zero, a negative or more than 31 days. `option` names the option in the message.
Duration parseDuration(std::string_view text, std::string_view option);

/// "65536", "64K", "10M", "1G" (powers of 1024). Throws UsageError.
std::uint64_t parseBytes(std::string_view text, std::string_view option);

/// "1.2 s", "3 min", "2 h" for people.
std::string readable(Duration duration);

} // namespace tollgate::command
