#include "transport/ConnectionPool.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace tollgate::transport {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto sweepInterval = 1s;
constexpr std::size_t maxSpareBuffers = 16;
constexpr std::size_t maxSpareOutput = 32 * 1024;

} // namespace

std::size_t ConnectionPool::OriginHash::operator()(const Origin& origin) const noexcept
{
    return std::hash<std::string>()(origin.host) * 31 + origin.port * 2u + (origin.isTls() ? 1u : 0u);
}

ConnectionPool::ConnectionPool(const TransportOptions& options)
    : _maxOpen(std::max<std::size_t>(1, options.maxConnectionsPerOrigin))
    , _maxIdle(options.maxIdlePerOrigin)
    , _process(::getpid())
{}

ConnectionPool::~ConnectionPool()
{
    for (auto& place : _entries) {
        if (_process == ::getpid())
            close(place.second.idle);
        else
            for (auto& connection : place.second.idle) abandon(std::move(connection));
    }
}

Lease ConnectionPool::acquire(const Origin& origin, Watch& watch)
{
    std::vector<ConnectionPtr> closing;
    const TimePoint now = Steady::now();
    std::unique_lock<std::mutex> lock(_mutex);
    sweep(now, closing);
    Place& place = *_entries.try_emplace(origin).first;
    Entry& entry = place.second;

    Lease lease;
    if (!entry.waiting.empty() || (entry.idle.empty() && entry.open >= _maxOpen))
        lease = waitInLine(lock, place, watch);
    else {
        ConnectionPtr connection = nextIdle(place, now, closing);
        if (!connection) ++entry.open;
        lease = Lease(shared_from_this(), place, std::move(connection));
    }

    // The look at the socket needs no lock. A dead one is replaced by the next idle one, else its place is there to be filled.
    while (lease && lease->hasServed) {
        lock.unlock();
        close(closing);
        if (lease->isAlive()) {
            lock.lock();
            break;
        }
        ++_stale;
        lease._connection.reset();
        lock.lock();
        if (ConnectionPtr next = nextIdle(place, now, closing)) {
            --entry.open; // two places became one
            lease._connection = std::move(next);
        }
    }
    if (lease) lendBuffers(*lease);
    lock.unlock();
    close(closing);
    return lease;
}

Lease ConnectionPool::waitInLine(std::unique_lock<std::mutex>& lock, Place& place, Watch& watch)
{
    Waiter waiter;
    place.second.waiting.push_back(&waiter);
    lock.unlock();
    try {
        watch.waitUntil(waiter.signal.descriptor(), POLLIN, never, Phase::Pool);
    } catch (...) {
        std::vector<ConnectionPtr> closing;
        lock.lock();
        if (waiter.granted)
            passOn(place, std::move(waiter.connection), closing);
        else
            place.second.waiting.erase(std::find(place.second.waiting.begin(), place.second.waiting.end(), &waiter));
        lock.unlock();
        close(closing);
        throw;
    }
    lock.lock(); // the one who granted it still held the lock when it raised the signal
    return Lease(shared_from_this(), place, std::move(waiter.connection));
}

ConnectionPool::ConnectionPtr ConnectionPool::nextIdle(Place& place, TimePoint now, std::vector<ConnectionPtr>& closing)
{
    Entry& entry = place.second;
    while (!entry.idle.empty()) {
        ConnectionPtr connection = std::move(entry.idle.back());
        entry.idle.pop_back();
        if (connection->idleUntil > now) return connection;
        --entry.open;
        closing.push_back(std::move(connection));
    }
    return nullptr;
}

void ConnectionPool::giveBack(Place& place, ConnectionPtr connection, TimePoint now)
{
    std::vector<ConnectionPtr> closing;
    Buffers buffers;
    if (connection) buffers = connection->takeBuffers();
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        if (buffers.inputCapacity == Buffers::inputSize && buffers.output.capacity() <= maxSpareOutput &&
            _spare.size() < maxSpareBuffers)
            _spare.push_back(std::move(buffers));
        passOn(place, std::move(connection), closing);
        sweep(now, closing);
    }
    close(closing);
}

void ConnectionPool::passOn(Place& place, ConnectionPtr connection, std::vector<ConnectionPtr>& closing)
{
    Entry& entry = place.second;
    if (!entry.waiting.empty()) {
        Waiter& first = *entry.waiting.front();
        entry.waiting.pop_front();
        first.connection = std::move(connection);
        first.granted = true;
        first.signal.raise();
        return;
    }
    if (connection) {
        entry.idle.push_back(std::move(connection));
        if (entry.idle.size() <= _maxIdle) return;
        closing.push_back(std::move(entry.idle.front()));
        entry.idle.erase(entry.idle.begin());
    }
    --entry.open; // the entry itself goes with a later sweep
}

void ConnectionPool::sweep(TimePoint now, std::vector<ConnectionPtr>& closing)
{
    if (now < _nextSweep) return;
    _nextSweep = now + sweepInterval;
    for (auto at = _entries.begin(); at != _entries.end();) {
        Entry& entry = at->second;
        const auto firstGood =
            std::stable_partition(entry.idle.begin(), entry.idle.end(),
                                  [now](const ConnectionPtr& connection) { return connection->idleUntil <= now; });
        entry.open -= static_cast<std::size_t>(firstGood - entry.idle.begin());
        std::move(entry.idle.begin(), firstGood, std::back_inserter(closing));
        entry.idle.erase(entry.idle.begin(), firstGood);
        at = entry.open == 0 && entry.waiting.empty() ? _entries.erase(at) : std::next(at);
    }
}

void ConnectionPool::closeIdle()
{
    std::vector<ConnectionPtr> closing;
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        for (auto& place : _entries)
            for (auto& connection : place.second.idle) connection->idleUntil = TimePoint{};
        _nextSweep = TimePoint{};
        sweep(Steady::now(), closing);
        _spare.clear();
    }
    close(closing);
}

void ConnectionPool::count(TransportStats& stats) const
{
    const std::lock_guard<std::mutex> lock(_mutex);
    stats.stale += _stale;
    for (const auto& place : _entries) {
        stats.idleConnections += place.second.idle.size();
        stats.openConnections += place.second.open;
    }
}

void ConnectionPool::lendBuffers(Connection& connection)
{
    if (_spare.empty()) return; // they come into being when they are used
    connection.lend(std::move(_spare.back()));
    _spare.pop_back();
}

void ConnectionPool::close(std::vector<ConnectionPtr>& connections) noexcept
{
    for (auto& connection : connections) connection->shutdown();
    connections.clear();
}

void ConnectionPool::abandon(ConnectionPtr connection) noexcept
{
    // In a forked child: our copy of the descriptor goes, the object stays for ever, and the server hears nothing of it.
    ::close(connection.release()->descriptor());
}

Lease::Lease(std::shared_ptr<ConnectionPool> pool, ConnectionPool::Place& place, std::unique_ptr<Connection> connection)
    : _pool(std::move(pool))
    , _place(&place)
    , _connection(std::move(connection))
{}

Lease::Lease(Lease&& other) noexcept
    : _pool(std::move(other._pool))
    , _place(std::exchange(other._place, nullptr))
    , _connection(std::move(other._connection))
{}

Lease& Lease::operator=(Lease&& other) noexcept
{
    if (this == &other) return *this;
    drop();
    _pool = std::move(other._pool);
    _place = std::exchange(other._place, nullptr);
    _connection = std::move(other._connection);
    return *this;
}

void Lease::fill(std::unique_ptr<Connection> connection)
{
    _connection = std::move(connection);
    const std::lock_guard<std::mutex> lock(_pool->_mutex);
    _pool->lendBuffers(*_connection);
}

void Lease::keep(std::chrono::milliseconds idleTimeout)
{
    if (!_place || !_connection || isForeign()) return drop();
    const TimePoint now = Steady::now();
    _connection->hasServed = true;
    _connection->idleUntil = now + idleTimeout;
    const auto pool = std::move(_pool);
    pool->giveBack(*std::exchange(_place, nullptr), std::move(_connection), now);
}

void Lease::drop() noexcept
{
    if (!_place) return;
    if (isForeign()) {
        // The parent's: its locks may be held by threads that do not exist here.
        if (_connection) ConnectionPool::abandon(std::move(_connection));
        _place = nullptr;
        _pool.reset();
        return;
    }
    if (_connection) _connection->shutdown();
    _connection.reset();
    const auto pool = std::move(_pool);
    pool->giveBack(*std::exchange(_place, nullptr), nullptr, TimePoint{});
}

bool Lease::isForeign() const noexcept { return _pool && _pool->process() != ::getpid(); }

void Lease::countStale() noexcept { ++_pool->_stale; }

} // namespace tollgate::transport
