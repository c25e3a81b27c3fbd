#pragma once

#include "hygiene/Child.h"
#include "transport/Certificates.h"
#include "transport/RawServer.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <string>

namespace tollgate::tests {

/// Servers in a process of their own, so that what they receive is not in our memory.
class OtherProcess
{
public:
    explicit OtherProcess(const transport::test::Authority& authority)
    {
        const auto context = authority.serve("IP:127.0.0.1");
        BOOST_REQUIRE(::pipe2(_ports.data(), O_CLOEXEC) == 0 && ::pipe2(_end.data(), O_CLOEXEC) == 0);
        _child = ::fork();
        if (_child == 0) {
            ::alarm(120);
            ::close(_end[1]);
            {
                transport::test::RawServer plain(script), secure(script, context.get());
                transport::test::RawServer rude(hangUp), rudeSecure(hangUp, context.get());
                const std::array<unsigned short, 4> numbers{plain.port(), secure.port(), rude.port(), rudeSecure.port()};
                if (::write(_ports[1], numbers.data(), sizeof numbers) != sizeof numbers) ::_exit(1);
                char byte = 0;
                while (::read(_end[0], &byte, 1) < 0 && errno == EINTR) {
                }
            }
            ::_exit(0);
        }
        std::array<unsigned short, 4> numbers{};
        BOOST_REQUIRE(::read(_ports[0], numbers.data(), sizeof numbers) == sizeof numbers);
        plainUrl = "http://127.0.0.1:" + std::to_string(numbers[0]);
        secureUrl = "https://127.0.0.1:" + std::to_string(numbers[1]);
        rudeUrl = "http://127.0.0.1:" + std::to_string(numbers[2]);
        rudeSecureUrl = "https://127.0.0.1:" + std::to_string(numbers[3]);
    }
    ~OtherProcess()
    {
        for (const int descriptor : {_ports[0], _ports[1], _end[0], _end[1]}) ::close(descriptor);
        int status = 0;
        ::waitpid(_child, &status, 0);
    }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;

    std::string plainUrl, secureUrl;
    std::string rudeUrl, rudeSecureUrl; ///< hang up at the first piece of a request

private:
    static void hangUp(transport::test::Peer& peer)
    {
        peer.readSome();
        peer.shutdownWrite(); // an end, then a reset: this is what the next write gets EPIPE for, not ECONNRESET
        peer.reset();
    }

    static void script(transport::test::Peer& peer)
    {
        for (std::string request; !(request = peer.readRequest()).empty();) {
            const auto is = [&request](const char* path) { return request.find(path) != std::string::npos; };
            const auto answer = [&peer](const char* status, const char* more = "") {
                peer.send(std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 2\r\n" + more + "\r\n{}");
            };
            if (is("/last")) {
                answer("200 OK");
                return;
            }
            if (is("/unauthorized"))
                answer("401 Unauthorized", "WWW-Authenticate: Bearer\r\n");
            else if (is("/busy"))
                answer("503 Service Unavailable");
            else if (is("/missing"))
                answer("404 Not Found");
            else if (is("/cut")) {
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}");
                return;
            } else if (is("/reset")) {
                peer.reset();
                return;
            } else
                answer("200 OK");
        }
    }

    std::array<int, 2> _ports{}, _end{};
    pid_t _child = -1;
};

} // namespace tollgate::tests
