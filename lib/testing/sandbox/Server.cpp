#include "Server.h"

#include <Poco/Net/ServerSocket.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <unordered_map>

namespace tollgate::testing::sandbox {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t loopCount = 2;
constexpr int backlog = 1024;
constexpr std::chrono::milliseconds pauseWithoutDescriptors{50};

int checked(int result, const char* what)
{
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

} // namespace

struct Server::Listener
{
    Poco::Net::ServerSocket socket;
    std::shared_ptr<const Handler> handler;
    std::shared_ptr<ssl_ctx_st> tls;
};

/// One thread with its own epoll set. Listeners belong to the first loop, which deals the connections out.
class Server::Loop
{
public:
    Loop(Server& server, std::size_t index)
        : _server(server)
        , _index(index)
        , _poll(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"))
        , _wake(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"))
    {
        watch(_wake, EPOLLIN, EPOLL_CTL_ADD);
    }

    ~Loop()
    {
        stop();
        _connections.clear();
        ::close(_wake);
        ::close(_poll);
    }

    void start()
    {
        _thread = std::thread([this] { run(); });
    }

    void stop()
    {
        _stopping = true;
        wake();
        if (_thread.joinable()) _thread.join();
    }

    void addListener(std::shared_ptr<Listener> listener)
    {
        const int descriptor = listener->socket.impl()->sockfd();
        _listeners.emplace(descriptor, std::move(listener));
        watch(descriptor, EPOLLIN, EPOLL_CTL_ADD);
    }

    void adopt(std::unique_ptr<Connection> connection)
    {
        {
            const std::lock_guard lock(_mutex);
            _arrived.push_back(std::move(connection));
        }
        wake();
    }

private:
    struct Entry
    {
        std::unique_ptr<Connection> connection;
        std::uint32_t events = 0;
        SteadyTime due = SteadyTime::max();
    };

    void run()
    {
        epoll_event events[128];
        while (!_stopping) {
            const int count = ::epoll_wait(_poll, events, 128, waitTime());
            for (int i = 0; i < count; ++i) handle(events[i].data.fd);
            takeArrivals();
            runTimers();
        }
    }

    void handle(int descriptor)
    {
        if (descriptor == _wake) {
            std::uint64_t drained = 0;
            [[maybe_unused]] const auto size = ::read(_wake, &drained, sizeof drained);
        } else if (const auto listener = _listeners.find(descriptor); listener != _listeners.end()) {
            accept(*listener->second);
        } else if (const auto found = _connections.find(descriptor); found != _connections.end()) {
            proceed(found->second);
        }
    }

    void accept(const Listener& listener)
    {
        for (;;) {
            sockaddr_storage storage{};
            socklen_t size = sizeof storage;
            const auto address = reinterpret_cast<sockaddr*>(&storage);
            const int descriptor = ::accept4(listener.socket.impl()->sockfd(), address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor < 0) {
                if (errno == EINTR || errno == ECONNABORTED) continue;
                if (errno != EAGAIN) pauseListeners();
                return;
            }
            const int on = 1;
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            ++_server._connections;
            auto tls = listener.tls ? transport::TlsStream::server(listener.tls.get(), descriptor) : nullptr;
            auto peer = Poco::Net::SocketAddress(address, size).host().toString();
            auto connection = std::make_unique<Connection>(descriptor, std::move(tls), listener.handler, std::move(peer));
            const auto target = _next++ % _server._loops.size();
            if (target == _index)
                add(std::move(connection));
            else
                _server._loops[target]->adopt(std::move(connection));
        }
    }

    /// Out of descriptors: accepting would fail at once again and again.
    void pauseListeners()
    {
        for (const auto& [descriptor, listener] : _listeners) watch(descriptor, 0, EPOLL_CTL_MOD);
        _resumeListeners = std::chrono::steady_clock::now() + pauseWithoutDescriptors;
    }

    void takeArrivals()
    {
        std::vector<std::unique_ptr<Connection>> arrived;
        {
            const std::lock_guard lock(_mutex);
            arrived.swap(_arrived);
        }
        for (auto& connection : arrived) add(std::move(connection));
    }

    void add(std::unique_ptr<Connection> connection)
    {
        const int descriptor = connection->descriptor();
        auto& entry = _connections[descriptor];
        entry.connection = std::move(connection);
        entry.events = EPOLLIN;
        watch(descriptor, entry.events, EPOLL_CTL_ADD);
        proceed(entry);
    }

    void proceed(Entry& entry)
    {
        const int descriptor = entry.connection->descriptor();
        std::uint32_t events = EPOLLRDHUP;
        switch (entry.connection->proceed()) {
        case Connection::Wants::Read: events = EPOLLIN; break;
        case Connection::Wants::Write: events = EPOLLOUT; break;
        case Connection::Wants::Nothing: break;
        case Connection::Wants::Close: drop(entry); return;
        }
        if (events == EPOLLRDHUP && entry.events == EPOLLRDHUP && entry.connection->due() == entry.due) {
            // Nothing moved though it was woken: the peer has left.
            drop(entry);
            return;
        }
        if (events != entry.events) {
            entry.events = events;
            watch(descriptor, events, EPOLL_CTL_MOD);
        }
        if (entry.due != entry.connection->due()) {
            entry.due = entry.connection->due();
            if (entry.due != SteadyTime::max()) _timers.emplace(entry.due, descriptor);
        }
    }

    void drop(Entry& entry)
    {
        const auto connection = std::move(entry.connection);
        _connections.erase(connection->descriptor());
    }

    void runTimers()
    {
        const auto now = std::chrono::steady_clock::now();
        if (_resumeListeners <= now) {
            _resumeListeners = SteadyTime::max();
            for (const auto& [descriptor, listener] : _listeners) watch(descriptor, EPOLLIN, EPOLL_CTL_MOD);
        }
        while (!_timers.empty() && _timers.begin()->first <= now) {
            const auto [due, descriptor] = *_timers.begin();
            _timers.erase(_timers.begin());
            const auto found = _connections.find(descriptor);
            // A timer of a connection that has gone, or gone on, means nothing.
            if (found != _connections.end() && found->second.due == due) proceed(found->second);
        }
    }

    int waitTime() const
    {
        auto next = _resumeListeners;
        if (!_timers.empty()) next = std::min(next, _timers.begin()->first);
        if (next == SteadyTime::max()) return -1;
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
        return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(wait, 0, 60'000));
    }

    void watch(int descriptor, std::uint32_t events, int operation)
    {
        epoll_event event{};
        event.events = events;
        event.data.fd = descriptor;
        checked(::epoll_ctl(_poll, operation, descriptor, &event), "epoll_ctl");
    }

    void wake() const
    {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto size = ::write(_wake, &one, sizeof one);
    }

    Server& _server;
    const std::size_t _index;
    const int _poll;
    const int _wake;
    std::thread _thread;
    std::atomic<bool> _stopping{false};
    std::mutex _mutex;
    std::vector<std::unique_ptr<Connection>> _arrived;
    std::unordered_map<int, std::shared_ptr<Listener>> _listeners;
    std::unordered_map<int, Entry> _connections;
    std::multimap<SteadyTime, int> _timers;
    SteadyTime _resumeListeners = SteadyTime::max();
    std::size_t _next = 0;
};

Server::Server() = default;

Server::~Server() { stop(); }

std::uint16_t Server::listen(const Poco::Net::SocketAddress& address, Handler handler, std::shared_ptr<ssl_ctx_st> tls)
{
    auto listener = std::make_shared<Listener>();
    // Without SO_REUSEPORT: a port that another program holds must be refused, not shared.
    listener->socket.bind(address, true, false);
    listener->socket.listen(backlog);
    listener->socket.setBlocking(false);
    ::fcntl(listener->socket.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
    listener->handler = std::make_shared<const Handler>(std::move(handler));
    listener->tls = std::move(tls);
    const auto port = listener->socket.address().port();
    _listeners.push_back(std::move(listener));
    return port;
}

void Server::start()
{
    for (std::size_t i = 0; i < loopCount; ++i) _loops.push_back(std::make_unique<Loop>(*this, i));
    for (const auto& listener : _listeners) _loops.front()->addListener(listener);
    for (const auto& loop : _loops) loop->start();
}

void Server::stop()
{
    for (const auto& loop : _loops) loop->stop();
    _loops.clear();
    _listeners.clear();
}

} // namespace tollgate::testing::sandbox
