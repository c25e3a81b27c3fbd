#pragma once

#include "tollgate/QuotaStore.h"
#include "tollgate/stores/StoreOptions.h"

#include <chrono>
#include <string>

namespace tollgate {

/// How a Redis store is reached.
struct TOLLGATE_API RedisStoreOptions : StoreOptions
{
    std::string user;                                    ///< for AUTH, with `password`; empty: the default user
    Secret password;                                     ///< empty: no AUTH
    unsigned database = 0;                               ///< SELECT
    std::string prefix = "tollgate";                     ///< of all keys
    std::chrono::milliseconds connectTimeout{200};       ///< a local network answers in one
    std::chrono::milliseconds commandTimeout{100};       ///< each command; a call waits to its deadline at most
    std::chrono::milliseconds pauseAfterFailures{5'000}; ///< after three failures in a row: so long it is not asked
};

/// Shares limits and lockouts between machines: one key an account, read and compared-and-swapped under the server's own time.
/// `address` is "host", "host:port", "redis://host:port/2" or "unix:/path/to/socket". Link tollgate::redis. Connects at the first
/// use, and again by itself; throws ConfigurationError only if the address cannot be read or a
/// time-out is not above zero. What fails later is dealt with as
/// StoreOptions::failure says.
TOLLGATE_API QuotaStorePtr redisStore(const std::string& address, RedisStoreOptions options = {});

} // namespace tollgate
