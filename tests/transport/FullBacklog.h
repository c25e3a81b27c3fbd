#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::transport::test {

/// A black hole: an address whose backlog is full, so that connects to it get no answer.
class FullBacklog
{
public:
    /// A free port unless one is given.
    explicit FullBacklog(const std::string& ip = "127.0.0.1", unsigned short wanted = 0)
        : _listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(wanted);
        ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
        socklen_t size = sizeof address;
        if (::bind(_listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(_listener, 0) != 0 ||
            ::getsockname(_listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("the black hole cannot listen");
        port = ntohs(address.sin_port);
        for (int i = 0; i < 8; ++i) {
            _fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
            ::connect(_fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ~FullBacklog()
    {
        for (const int descriptor : _fillers) ::close(descriptor);
        ::close(_listener);
    }
    FullBacklog(const FullBacklog&) = delete;
    FullBacklog& operator=(const FullBacklog&) = delete;

    unsigned short port = 0;

private:
    int _listener;
    std::vector<int> _fillers;
};

} // namespace tollgate::transport::test
