#pragma once

#include "servers/ReservedPort.h"

#include <string>
#include <sys/types.h>
#include <vector>

namespace tollgate::tests {

/// A server program on a loopback port of its own, with its configuration in a folder of its own. It ends, and the folder goes,
/// with this object; and if the test program dies.
class Daemon
{
public:
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    virtual ~Daemon();

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

protected:
    Daemon();
    /// Writes a file into the folder.
    void write(const std::string& name, const std::string& text) const;
    /// Starts it and waits until it takes connections. Throws std::runtime_error with what it said if it does not.
    void start(const std::string& program, const std::vector<std::string>& arguments);

    const std::string& folder() const noexcept { return _folder; }
    int port() const noexcept { return _port.number(); }

private:
    std::string _folder;
    ReservedPort _port;
    pid_t _pid = -1;
};

/// nginx limit_req: `perMinute` evenly, `burst` more at once, then 429.
class Nginx final : public Daemon
{
public:
    Nginx(unsigned perMinute, unsigned burst);
};

/// HAProxy with a stick table: 429 for all who sent more than `requests` in the last `seconds`, refused ones included, by its
/// sliding counter.
class HaProxy final : public Daemon
{
public:
    HaProxy(unsigned requests, unsigned seconds);
};

/// Squid, a forward proxy that keeps nothing: it takes all requests, but opens tunnels to `tunnelPort` alone.
class Squid final : public Daemon
{
public:
    explicit Squid(int tunnelPort);
};

} // namespace tollgate::tests
