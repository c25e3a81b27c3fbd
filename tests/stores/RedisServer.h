#pragma once

#include "servers/ReservedPort.h"
#include "stores/Folder.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tollgate::testing {

/// A redis-server of our own, in its own folder: on a unix socket and on a TCP port. Nothing is saved to disk.
class RedisServer
{
public:
    /// Starts it with these further options, and waits until it answers.
    explicit RedisServer(std::vector<std::string> options = {});
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    /// "unix:/...": what redisStore() takes.
    std::string address() const { return "unix:" + (_folder / "redis.sock"); }
    std::string tcpAddress() const { return "127.0.0.1:" + std::to_string(_port.number()); }

    void freeze();
    void thaw();
    /// Kills it: what it knew is gone.
    void kill();
    void start();
    /// One command by redis-cli, as the administrator; answers what it prints.
    std::string command(const std::string& words, const std::string& password = {}) const;

private:
    Folder _folder;
    tests::ReservedPort _port;
    std::vector<std::string> _options;
    pid_t _process = -1;
};

} // namespace tollgate::testing
