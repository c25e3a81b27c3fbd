#pragma once

#include <cstdint>
#include <string_view>

namespace tollgate::limits {

/// FNV-1a: the same in every process and on every machine, as stored states need it. Never 0.
inline std::uint32_t hashOf(std::string_view text) noexcept
{
    std::uint32_t hash = 2166136261U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash == 0 ? 1 : hash;
}

} // namespace tollgate::limits
