// bench-server: the cheapest server there is. Answers each GET on each connection with the same 300 bytes, keeps connections
// open. Writes its port to standard output; ends on SIGTERM.

#include <arpa/inet.h>
#include <cstdio>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t bodySize = 300;

std::string response()
{
    std::string body = R"({"coolness": 11, "text": ")";
    body.append(bodySize - body.size() - 2, 'x');
    body += "\"}";
    return "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\nConnection: keep-alive\r\nServer: bench\r\n\r\n" + body;
}

int listenOnLoopback()
{
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener, generic, size) != 0 || listen(listener, 1024) != 0 || getsockname(listener, generic, &size) != 0)
        return -1;
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return listener;
}

/// Answers every complete request head that came. False: the connection is over.
bool serve(int descriptor, std::string& pending, std::string_view answer)
{
    char buffer[16 * 1024];
    const ssize_t count = recv(descriptor, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    pending.append(buffer, static_cast<std::size_t>(count));
    for (auto end = pending.find("\r\n\r\n"); end != std::string::npos; end = pending.find("\r\n\r\n")) {
        pending.erase(0, end + 4);
        if (send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(answer.size())) return false;
    }
    return true;
}

} // namespace

int main()
{
    const std::string answer = response();
    std::vector<pollfd> polled{{listenOnLoopback(), POLLIN, 0}};
    std::vector<std::string> pending{""};
    if (polled[0].fd < 0) return 1;
    while (poll(polled.data(), polled.size(), -1) >= 0) {
        for (std::size_t i = polled.size(); i-- > 1;) {
            if (polled[i].revents == 0 || serve(polled[i].fd, pending[i], answer)) continue;
            close(polled[i].fd);
            polled.erase(polled.begin() + static_cast<std::ptrdiff_t>(i));
            pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i));
        }
        if (polled[0].revents != 0) {
            const int descriptor = accept4(polled[0].fd, nullptr, nullptr, SOCK_CLOEXEC);
            const int on = 1;
            setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            polled.push_back({descriptor, POLLIN, 0});
            pending.emplace_back();
        }
    }
}
