#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace tollgate::tests {

/// A loopback port for a server that is still to be started, or started again. A socket that is bound to it and never listens
/// keeps the system from giving it to anybody else; a server that sets SO_REUSEADDR, as all do, may listen there all the same.
class ReservedPort
{
public:
    ReservedPort()
    {
        const int on = 1;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::setsockopt(_descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
            ::bind(_descriptor, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
            ::getsockname(_descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("no free port");
        _number = ntohs(address.sin_port);
    }
    ~ReservedPort() { ::close(_descriptor); }
    ReservedPort(const ReservedPort&) = delete;
    ReservedPort& operator=(const ReservedPort&) = delete;

    std::uint16_t number() const noexcept { return _number; }

private:
    int _descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::uint16_t _number = 0;
};

} // namespace tollgate::tests
