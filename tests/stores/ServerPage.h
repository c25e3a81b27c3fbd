#pragma once

#include <atomic>
#include <cstdint>

/// What the test and its worker processes share: a page of memory that plays the API's server, and the log of what arrives there.
namespace tollgate::testing {

struct ServerPage
{
    std::atomic<bool> open{false};       ///< workers wait for it
    std::atomic<bool> closed{false};     ///< workers end
    std::atomic<int> status{200};        ///< of every answer from now on; hang: none comes
    std::atomic<int> retryAfter{0};      ///< seconds; 0: none
    std::atomic<int> milliseconds{0};    ///< until the answer
    std::atomic<std::uint64_t> count{0}; ///< requests that arrived
    static constexpr int hang = -1;
};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

/// One request as it arrived. Written in one piece, so that processes do not mix.
struct Arrival
{
    std::int64_t at = 0; ///< on the machine's monotonic clock, in nanoseconds
    std::int32_t process = 0;
    std::int32_t status = 0; ///< it was answered with
};

} // namespace tollgate::testing
