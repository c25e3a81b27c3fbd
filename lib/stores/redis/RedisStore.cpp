#include "tollgate/stores/RedisStore.h"

#include "stores/SharedStore.h"
#include "stores/redis/RedisAddress.h"
#include "stores/redis/RedisBackend.h"
#include "tollgate/Error.h"

#include <memory>
#include <utility>

namespace tollgate {

QuotaStorePtr redisStore(const std::string& address, RedisStoreOptions options)
{
    if (!options.clock) options.clock = Clock::system();
    if (options.connectTimeout <= options.connectTimeout.zero() || options.commandTimeout <= options.commandTimeout.zero())
        throw ConfigurationError("A time-out of the Redis store is zero or less.",
                                 "Redis may hang: give both some milliseconds.");
    constexpr std::chrono::milliseconds longest = std::chrono::hours(24);
    options.connectTimeout = std::min(options.connectTimeout, longest);
    options.commandTimeout = std::min(options.commandTimeout, longest);
    const StoreOptions common = options;
    const Duration pause = options.pauseAfterFailures;
    auto backend = std::make_unique<stores::RedisBackend>(stores::RedisAddress::parse(address), std::move(options));
    return std::make_shared<stores::SharedStore>(std::move(backend), common, pause);
}

} // namespace tollgate
