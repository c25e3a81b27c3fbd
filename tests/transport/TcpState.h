#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace tollgate::transport::test {

/// How TCP stands with this process's connection to a port of 127.0.0.1: TCP_ESTABLISHED until the peer's end of it has arrived,
/// TCP_CLOSE if the connection was reset or there is none.
inline int tcpStateTo(unsigned short port)
{
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue; // so says a reset one too
        if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != port) continue;
        tcp_info info{};
        size = sizeof info;
        if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) return info.tcpi_state;
    }
    return TCP_CLOSE;
}

} // namespace tollgate::transport::test
