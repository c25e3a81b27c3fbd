#pragma once

#include "transport/TlsStream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tollgate::transport::test {

/// The descriptors of all peers alive, so that the server can end their waits.
struct OpenPeers
{
    std::atomic<bool> ended{false};
    std::mutex mutex;
    std::set<int> descriptors;
};

/// One accepted connection in the hands of a script. Nothing in it waits longer than 20 s: a hang is a failure, not a hang.
class Peer
{
public:
    Peer(int descriptor, SSL_CTX* tls, unsigned number, OpenPeers& open)
        : ended(open.ended)
        , index(number)
        , _descriptor(descriptor)
        , _open(open)
    {
        if (tls) _tls = TlsStream::server(tls, descriptor);
    }
    ~Peer() { close(); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    const std::atomic<bool>& ended; ///< the server is going away
    const unsigned index;           ///< 0 for the first connection the server accepted

    /// TLS only: false if the handshake failed.
    bool handshake()
    {
        for (;;) {
            const TlsStep step = _tls->handshake();
            if (step == TlsStep::Done) return true;
            if (step == TlsStep::Failed || step == TlsStep::Closed || !wait(step)) return false;
        }
    }

    /// The next request, head and body; empty if the client closed before it was complete.
    std::string readRequest()
    {
        for (;;) {
            const std::size_t end = completeSize();
            if (end > 0) {
                std::string request = _input.substr(0, end);
                _input.erase(0, end);
                return request;
            }
            if (!receive()) return {};
        }
    }

    /// Waits for the first bytes of whatever comes.
    bool readSome() { return receive(); }

    /// Reads until the client closes; answers everything that came.
    std::string readToEnd()
    {
        while (receive()) {
        }
        return _input;
    }

    /// False if the client is gone.
    bool send(std::string_view bytes)
    {
        while (!bytes.empty()) {
            std::size_t count = 0;
            TlsStep step = TlsStep::WantWrite;
            if (_tls)
                step = _tls->write(bytes.data(), bytes.size(), count);
            else {
                const ssize_t sent = ::send(_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                if (sent > 0)
                    step = TlsStep::Done, count = static_cast<std::size_t>(sent);
                else if (errno != EAGAIN)
                    step = TlsStep::Failed;
            }
            if (step == TlsStep::Done)
                bytes.remove_prefix(count);
            else if (step == TlsStep::Failed || step == TlsStep::Closed || !wait(step))
                return false;
        }
        return true;
    }

    /// Ends TLS in order, then the connection.
    void closeNotify()
    {
        if (_tls) _tls->shutdown();
        close();
    }
    void shutdownWrite() { ::shutdown(_descriptor, SHUT_WR); }
    void close()
    {
        if (_descriptor < 0) return;
        _tls.reset();
        const std::lock_guard<std::mutex> lock(_open.mutex);
        _open.descriptors.erase(_descriptor);
        ::close(_descriptor);
        _descriptor = -1;
    }
    void reset()
    {
        const linger now{1, 0};
        ::setsockopt(_descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    static void pause(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }
    std::size_t received() const { return _received; }
    int descriptor() const { return _descriptor; }
    SSL* ssl() const { return _tls ? _tls->native() : nullptr; } ///< over TLS

private:
    bool wait(TlsStep step) const
    {
        pollfd ready{_descriptor, static_cast<short>(step == TlsStep::WantWrite ? POLLOUT : POLLIN), 0};
        return ::poll(&ready, 1, 20'000) > 0;
    }

    bool receive()
    {
        char buffer[16 * 1024];
        for (;;) {
            std::size_t count = 0;
            TlsStep step = TlsStep::WantRead;
            if (_tls)
                step = _tls->read(buffer, sizeof buffer, count);
            else {
                const ssize_t got = ::recv(_descriptor, buffer, sizeof buffer, 0);
                if (got > 0)
                    step = TlsStep::Done, count = static_cast<std::size_t>(got);
                else if (got == 0 || errno != EAGAIN)
                    step = TlsStep::Closed;
            }
            if (step == TlsStep::Done) {
                _received += count;
                _input.append(buffer, count);
                return true;
            }
            if (step == TlsStep::Failed || step == TlsStep::Closed || !wait(step)) return false;
        }
    }

    std::size_t completeSize() const
    {
        const std::size_t head = _input.find("\r\n\r\n");
        if (head == std::string::npos) return 0;
        const std::string_view fields(_input.data(), head);
        if (fields.find("\r\nTransfer-Encoding: chunked") != std::string_view::npos) {
            const std::size_t end = _input.find("0\r\n\r\n", head + 4);
            return end == std::string::npos ? 0 : end + 5;
        }
        std::size_t size = head + 4;
        const std::size_t length = fields.find("\r\nContent-Length: ");
        if (length != std::string_view::npos)
            size += std::stoul(std::string(fields.substr(length + 18, 20))); // the number alone: the body may be large
        return _input.size() >= size ? size : 0;
    }

    int _descriptor;
    OpenPeers& _open;
    std::unique_ptr<TlsStream> _tls;
    std::string _input;
    std::size_t _received = 0;
};

/// Listens on a free loopback port and lets a script loose on each connection, each on a thread of its own.
class RawServer
{
public:
    using Script = std::function<void(Peer&)>;

    explicit RawServer(Script script, SSL_CTX* tls = nullptr) : _script(std::move(script)), _tls(tls)
    {
        _listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(_listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(_listener, 128) != 0 ||
            ::getsockname(_listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("the test server cannot listen");
        _port = ntohs(address.sin_port);
        _acceptor = std::thread([this] { accept(); });
    }

    ~RawServer()
    {
        _open.ended = true;
        ::shutdown(_listener, SHUT_RDWR);
        _acceptor.join();
        ::close(_listener);
        {
            const std::lock_guard<std::mutex> lock(_open.mutex);
            for (const int descriptor : _open.descriptors) ::shutdown(descriptor, SHUT_RDWR);
        }
        for (auto& thread : _threads) thread.join();
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    unsigned short port() const { return _port; }
    unsigned connections() const { return _connections; }
    std::string url(const std::string& target = "/", const std::string& host = "127.0.0.1") const
    {
        return (_tls ? "https://" : "http://") + host + ":" + std::to_string(_port) + target;
    }

private:
    void accept()
    {
        while (!_open.ended) {
            const int descriptor = ::accept4(_listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor < 0) continue;
            {
                const std::lock_guard<std::mutex> lock(_open.mutex);
                _open.descriptors.insert(descriptor);
            }
            const unsigned index = _connections++;
            _threads.emplace_back([this, descriptor, index] {
                Peer peer(descriptor, _tls, index, _open);
                if (!_tls || peer.handshake()) _script(peer);
            });
        }
    }

    Script _script;
    SSL_CTX* _tls;
    int _listener = -1;
    unsigned short _port = 0;
    std::atomic<unsigned> _connections{0};
    OpenPeers _open;
    std::vector<std::thread> _threads;
    std::thread _acceptor;
};

} // namespace tollgate::transport::test
