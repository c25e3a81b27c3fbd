#include "FaultServer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace tollgate::soak {

namespace {

constexpr const char* paths[faultCount] = {"/ok",       "/chunked", "/drip",        "/close-after", "/reset",        "/cut",
                                           "/nonsense", "/error",   "/unavailable", "/throttled",   "/unauthorized", "/stall"};

struct FreeSsl
{
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};

/// One blocking connection.
class Line
{
public:
    Line(int descriptor, SSL_CTX* tls) : _descriptor(descriptor), _ssl(tls ? SSL_new(tls) : nullptr)
    {
        const int on = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (_ssl) SSL_set_fd(_ssl.get(), descriptor);
    }
    ~Line()
    {
        if (_ssl) SSL_set_shutdown(_ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        _ssl.reset();
        ::close(_descriptor);
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    bool open() { return !_ssl || SSL_accept(_ssl.get()) == 1; }

    /// The head of the next request; empty at the end. Bodies are small, and come with a head that says how long.
    std::string_view readRequest()
    {
        _input.erase(0, _used);
        for (;;) {
            const std::size_t end = _input.find("\r\n\r\n");
            if (end != std::string::npos) {
                std::size_t size = end + 4;
                const std::size_t length = _input.find("\r\nContent-Length: ");
                if (length != std::string::npos && length < end) size += std::stoul(_input.substr(length + 18, 10));
                if (_input.size() >= size) {
                    _used = size;
                    return std::string_view(_input).substr(0, end);
                }
            }
            char buffer[4096];
            const auto count = _ssl ? SSL_read(_ssl.get(), buffer, sizeof buffer)
                                    : static_cast<int>(::recv(_descriptor, buffer, sizeof buffer, 0));
            if (count <= 0) return {};
            _input.append(buffer, static_cast<std::size_t>(count));
        }
    }

    bool send(std::string_view bytes)
    {
        if (_ssl) return SSL_write(_ssl.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
        return ::send(_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }

    void reset() const
    {
        const linger now{1, 0};
        ::setsockopt(_descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }

    /// Until the client goes.
    void waitForEnd() const
    {
        pollfd ready{_descriptor, POLLRDHUP, 0};
        ::poll(&ready, 1, 5'000);
    }

private:
    int _descriptor;
    std::unique_ptr<SSL, FreeSsl> _ssl;
    std::string _input;
    std::size_t _used = 0;
};

Fault faultOf(std::string_view head)
{
    for (unsigned i = 0; i < faultCount; ++i) {
        const std::string_view path = paths[i];
        const std::size_t at = head.find(' ');
        if (at == std::string_view::npos || head.substr(at + 1, path.size()) != path) continue;
        const std::string_view after = head.substr(at + 1 + path.size(), 1);
        if (after == " " || after == "?") return static_cast<Fault>(i);
    }
    return Fault::None;
}

/// Answers one request. False: the connection ends.
bool answer(Line& line, Fault fault)
{
    const auto status = [&line](const char* text, const char* fields = "") {
        return line.send(std::string("HTTP/1.1 ") + text + "\r\nContent-Type: application/json\r\n" + fields +
                         "Content-Length: 28\r\n\r\n{\"error\":\"as was asked for\"}");
    };
    switch (fault) {
    case Fault::None:
        return line.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: 0123456789\r\n"
                         "Content-Length: 28\r\n\r\n{\"id\":\"1\",\"name\":\"tollgate\"}");
    case Fault::Chunked:
        return line.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + std::string(4096, 'c') +
                         "\r\n0\r\nX-Trailer: yes\r\n\r\n");
    case Fault::Drip:
        if (!line.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")) return false;
        for (const char* piece : {"d", "r", "i", "p"}) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            if (!line.send(piece)) return false;
        }
        return true;
    case Fault::CloseAfter: static_cast<void>(status("200 OK")); return false;
    case Fault::Reset: line.reset(); return false;
    case Fault::Cut: static_cast<void>(line.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")); return false;
    case Fault::Nonsense: static_cast<void>(line.send("220 mail.example.com ESMTP\r\n\r\n")); return false;
    case Fault::ServerError: return status("500 Internal Server Error");
    case Fault::Unavailable: return status("503 Service Unavailable");
    case Fault::Throttled: return status("429 Too Many Requests", "Retry-After: 1\r\nX-RateLimit-Remaining: 0\r\n");
    case Fault::Unauthorized: return status("401 Unauthorized", "WWW-Authenticate: Bearer\r\n");
    case Fault::Stall: line.waitForEnd(); return false;
    }
    return false;
}

} // namespace

const char* pathOf(Fault fault) noexcept { return paths[static_cast<unsigned>(fault)]; }

FaultServer::FaultServer(SSL_CTX* tls, std::size_t threads) : _tls(tls)
{
    _listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(_listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(_listener, 256) != 0 ||
        ::getsockname(_listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("the fault server cannot listen");
    _port = ntohs(address.sin_port);
    for (std::size_t i = 0; i < threads; ++i) _threads.emplace_back([this] { work(); });
}

FaultServer::~FaultServer()
{
    _ended = true;
    ::shutdown(_listener, SHUT_RDWR);
    for (auto& thread : _threads) thread.join();
    ::close(_listener);
}

std::string FaultServer::url() const { return (_tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(_port); }

void FaultServer::work()
{
    while (!_ended) {
        const int descriptor = ::accept4(_listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor >= 0) serve(descriptor);
    }
}

void FaultServer::serve(int descriptor)
{
    Line line(descriptor, _tls);
    if (!line.open()) return;
    for (std::string_view head; !_ended && !(head = line.readRequest()).empty();)
        if (!answer(line, faultOf(head))) return;
}

} // namespace tollgate::soak
