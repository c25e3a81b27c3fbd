#pragma once

#include <cstdint>

namespace tollgate::bench {

/// What this process asked the heap for so far. Linking AllocationCount.cpp in puts counters before malloc and operator new.
struct Allocations
{
    std::uint64_t news = 0; ///< calls of operator new, in any form
    std::uint64_t mallocs =
        0;                   ///< calls of malloc, calloc, realloc and aligned_alloc by anybody: operator new's, OpenSSL's, Poco's
    std::uint64_t bytes = 0; ///< asked for by the latter
};

Allocations allocations() noexcept;

} // namespace tollgate::bench
