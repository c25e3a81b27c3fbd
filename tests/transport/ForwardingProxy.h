#pragma once

#include "Support.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tollgate::transport::test {

/// A forward proxy on a free loopback port: rewrites absolute-form requests to origin-form and opens CONNECT tunnels. Whatever
/// host a client names, it goes on to one port of 127.0.0.1, so that tests can name hosts which do not exist.
class ForwardingProxy
{
public:
    explicit ForwardingProxy(unsigned short upstream, std::string opened = "HTTP/1.1 200 Connection established\r\n\r\n")
        : _upstream(upstream)
        , _opened(std::move(opened))
        , _server([this](Peer& client) { serve(client); })
    {}

    std::string url() const { return "http://" + address(); }
    std::string address() const { return "127.0.0.1:" + std::to_string(_server.port()); }
    unsigned connections() const { return _server.connections(); }

    Record requests; ///< each as it came from a client, with all its bytes; not what went through a tunnel

private:
    void serve(Peer& client)
    {
        Peer upstream(connectUpstream(), nullptr, client.index, _open);
        for (;;) {
            const std::string request = client.readRequest();
            if (request.empty()) return;
            requests.add(request);
            if (request.compare(0, 8, "CONNECT ") == 0) {
                if (client.send(_opened)) tunnel(client, upstream);
                return;
            }
            // An answer is framed as a request is, so the same function reads it.
            if (!upstream.send(originForm(request)) || !client.send(upstream.readRequest())) return;
        }
    }

    static std::string originForm(std::string request)
    {
        const std::size_t scheme = request.find("http://");
        const std::size_t path = scheme == std::string::npos ? scheme : request.find('/', scheme + 7);
        if (path == std::string::npos || path > request.find("\r\n")) return "BROKEN / HTTP/1.1\r\n\r\n";
        return request.erase(scheme, path - scheme);
    }

    static void tunnel(Peer& client, Peer& upstream)
    {
        for (;;) {
            pollfd ready[2] = {{client.descriptor(), POLLIN, 0}, {upstream.descriptor(), POLLIN, 0}};
            if (::poll(ready, 2, 20'000) <= 0) return;
            if (ready[0].revents != 0 && !pass(client, upstream)) return;
            if (ready[1].revents != 0 && !pass(upstream, client)) return;
        }
    }

    static bool pass(Peer& from, Peer& to)
    {
        char buffer[16 * 1024];
        const ssize_t got = ::recv(from.descriptor(), buffer, sizeof buffer, 0);
        return got > 0 && to.send({buffer, static_cast<std::size_t>(got)});
    }

    int connectUpstream() const
    {
        const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(_upstream);
        if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0)
            throw std::runtime_error("the test proxy cannot reach its upstream server");
        return descriptor;
    }

    const unsigned short _upstream;
    const std::string _opened;
    OpenPeers _open;
    RawServer _server; ///< last: its threads use all the others
};

} // namespace tollgate::transport::test
