#pragma once

#include "stores/redis/RedisAddress.h"
#include "tollgate/stores/RedisStore.h"
#include "transport/Wait.h"

#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Redis/Type.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::stores {

/// Commands that go out together and are answered one by one.
class RedisCommands
{
public:
    RedisCommands& add(std::initializer_list<std::string_view> words);
    const std::string& wire() const noexcept { return _wire; }
    std::size_t count() const noexcept { return _count; }
    /// Overwrites what was written, for commands that hold a password.
    void wipe() noexcept;

private:
    std::string _wire;
    std::size_t _count = 0;
};

/// One answer. Asking for another type than came is a BackendFailure.
class RedisReply
{
public:
    explicit RedisReply(Poco::Redis::RedisType::Ptr value) : _value(std::move(value)) {}

    bool isError() const { return _value->isError(); }
    /// What the server says is wrong, with nothing in it that could not be printed.
    std::string error() const;
    /// Nothing for a null.
    std::optional<std::string> text() const;
    /// Nothing for a null: an aborted transaction.
    std::optional<std::vector<RedisReply>> list() const;

private:
    Poco::Redis::RedisType::Ptr _value;
};

/// A connection whose waits are all bounded. Poco::Redis::Client is not used: its socket cannot be told to send small packets at
/// once or to give up sending, and it cannot log in without repeating the password in errors. Poco::Redis reads the answers.
class RedisConnection
{
public:
    /// Connects and logs in. Throws BackendFailure, and what the watch throws.
    RedisConnection(const RedisAddress& address, const RedisStoreOptions& options, transport::Watch& watch);
    ~RedisConnection();
    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    enum class After
    {
        GiveUp, ///< when the call is over
        Linger  ///< a little longer: the commands may have been done, and then it is better to know
    };
    /// One round trip. Throws BackendFailure, and what the watch throws; the connection is of no use after that.
    std::vector<RedisReply> exchange(const RedisCommands& commands, transport::Watch& watch, After after = After::GiveUp);

private:
    class Input;
    void connect(const RedisAddress& address, const RedisStoreOptions& options, transport::Watch& watch);
    void logIn(const RedisAddress& address, const RedisStoreOptions& options, transport::Watch& watch);
    void send(const std::string& wire, transport::Watch& watch);
    RedisReply read(transport::Watch& watch);

    const std::string _name;
    const std::chrono::milliseconds _patience;
    Poco::Net::StreamSocket _socket; ///< never blocks
    std::unique_ptr<Input> _input;
};

} // namespace tollgate::stores
