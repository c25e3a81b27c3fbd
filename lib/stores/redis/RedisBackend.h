#pragma once

#include "stores/Backend.h"
#include "stores/redis/RedisAddress.h"
#include "stores/redis/RedisConnection.h"
#include "tollgate/stores/RedisStore.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tollgate::stores {

/// Documents in Redis, one key each: read under WATCH together with the server's time, written in MULTI unless somebody was
/// quicker. Two round trips an edit, one if nothing changes. One connection a process, made when it is needed.
class RedisBackend final : public Backend
{
public:
    RedisBackend(RedisAddress address, RedisStoreOptions options);

    void transact(const QuotaKey& key, const Edit& edit, transport::Watch& watch) override;
    Secret namingKey(const Secret& proposal, transport::Watch& watch) override;
    Duration patience() const override { return _options.commandTimeout; }
    std::string domain() const override { return "redis"; }
    std::string describe() const override { return _address.describe(); }
    /// Closes our copy of the descriptor; the parent goes on with its own.
    void inForkedChild() noexcept override { _connection.reset(); }

private:
    bool tryTransact(const std::string& name, const Edit& edit, transport::Watch& watch);
    std::vector<RedisReply> exchange(const RedisCommands& commands, transport::Watch& watch,
                                     RedisConnection::After after = RedisConnection::After::GiveUp);
    /// Redis Cluster puts keys with the same text in braces into one place.
    std::string name(const QuotaKey& key) const;

    const RedisAddress _address;
    const RedisStoreOptions _options;
    std::unique_ptr<RedisConnection> _connection;
    bool _watching = false; ///< a key that we did not write in the end
    std::minstd_rand _random{std::random_device{}()};
};

} // namespace tollgate::stores
