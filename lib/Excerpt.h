#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tollgate {

/// The first characters of a text from outside, fit for a message on one line: control characters, those that end a line or turn
/// the direction of writing among them, are shown as \n or \x1b, bytes that are no UTF-8 as \xff, a cut as "...". Redact first:
/// half a secret would not be recognised.
std::string excerpt(std::string_view text, std::size_t characters = 200);

/// Bytes of the well-formed UTF-8 character at the start of `text`, or 0 if there is none.
std::size_t utf8CharacterSize(std::string_view text) noexcept;

} // namespace tollgate
