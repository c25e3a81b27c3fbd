#pragma once

#include <string_view>

namespace tollgate::command {

/// Whether all of it is well-formed UTF-8 (RFC 3629).
bool isUtf8(std::string_view text) noexcept;

/// The columns a terminal needs for it, counting one for each code point.
std::size_t columnsOf(std::string_view text) noexcept;

} // namespace tollgate::command
