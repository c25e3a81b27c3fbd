#pragma once

#include "Connection.h"

#include <Poco/Net/SocketAddress.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

struct ssl_ctx_st;

namespace tollgate::testing::sandbox {

/// Serves HTTP/1.1 on any number of ports with a few event loops. listen() on all ports, then start(). Thread-safe once started.
class Server
{
public:
    Server();
    /// Stops: connections are closed, handlers that run are waited for.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Opens a port (0: any free one) and answers the port. `tls` null: plain text. Throws Poco::Net::NetException.
    std::uint16_t listen(const Poco::Net::SocketAddress& address, Handler handler, std::shared_ptr<ssl_ctx_st> tls);
    void start();
    void stop();

    /// Connections accepted since the start.
    std::uint64_t connections() const noexcept { return _connections; }

private:
    struct Listener;
    class Loop;
    std::vector<std::shared_ptr<Listener>> _listeners;
    std::vector<std::unique_ptr<Loop>> _loops;
    std::atomic<std::uint64_t> _connections{0};
};

} // namespace tollgate::testing::sandbox
