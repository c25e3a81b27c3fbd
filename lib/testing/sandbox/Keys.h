#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tollgate::testing::sandbox {

/// Random letters and digits from the system's random source.
std::string randomText(std::size_t length);
/// A random (version 4) UUID.
std::string randomUuid();

/// What may be shown of a key.
std::string_view lastFour(std::string_view key) noexcept;

/// The key in "Bearer <key>" (RFC 6750 section 2.1): the scheme in any case, exactly one space, no white space in the key.
/// An empty view if the field has any other form.
std::string_view bearerKey(std::string_view authorization) noexcept;

} // namespace tollgate::testing::sandbox
