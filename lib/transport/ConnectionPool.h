#pragma once

#include "transport/Connection.h"
#include "transport/Wait.h"

#include "tollgate/Transport.h"

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tollgate::transport {

class Lease;

/// Keeps connections open between exchanges and counts them per origin. The newest idle one is reused first; who finds all taken
/// waits in line. Expired ones are closed by whoever comes by: there is no thread. Thread-safe. It belongs to the process that
/// made it.
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool>
{
public:
    explicit ConnectionPool(const TransportOptions& options);
    ~ConnectionPool();
    ConnectionPool(const ConnectionPool&) = delete;
    ConnectionPool& operator=(const ConnectionPool&) = delete;

    /// A living connection to the origin, or the right to open one. Waits while all are taken. Throws Timeout, Cancelled.
    Lease acquire(const Origin& origin, Watch& watch);

    void closeIdle();
    /// Adds the connections open now, and the reused ones found dead, to the counters.
    void count(TransportStats& stats) const;
    /// The process that made it: in a forked child nothing of it may be touched.
    pid_t process() const noexcept { return _process; }

private:
    friend class Lease;
    using ConnectionPtr = std::unique_ptr<Connection>;
    struct Waiter
    {
        Signal signal;
        bool granted = false;
        ConnectionPtr connection;
    };
    struct Entry
    {
        std::vector<ConnectionPtr> idle; ///< oldest first
        std::size_t open = 0;            ///< idle, lent, or being opened
        std::deque<Waiter*> waiting;
    };
    struct OriginHash
    {
        std::size_t operator()(const Origin& origin) const noexcept;
    };
    using Entries = std::unordered_map<Origin, Entry, OriginHash>;
    using Place = Entries::value_type; ///< stays where it is while anything of it is open or waited for

    Lease waitInLine(std::unique_lock<std::mutex>& lock, Place& place, Watch& watch);
    ConnectionPtr nextIdle(Place& place, TimePoint now, std::vector<ConnectionPtr>& closing);
    void giveBack(Place& place, ConnectionPtr connection, TimePoint now);
    void passOn(Place& place, ConnectionPtr connection, std::vector<ConnectionPtr>& closing);
    void sweep(TimePoint now, std::vector<ConnectionPtr>& closing);
    void lendBuffers(Connection& connection);
    static void close(std::vector<ConnectionPtr>& connections) noexcept;
    static void abandon(ConnectionPtr connection) noexcept;

    const std::size_t _maxOpen;
    const std::size_t _maxIdle;
    const pid_t _process;
    mutable std::mutex _mutex;
    Entries _entries;
    std::vector<Buffers> _spare;
    TimePoint _nextSweep{};
    std::atomic<std::uint64_t> _stale{0};
};

/// One connection's place in the pool, filled or still empty. Given up without keep(), the connection is closed.
class Lease
{
public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { drop(); }

    explicit operator bool() const noexcept { return _connection != nullptr; }
    Connection& operator*() const noexcept { return *_connection; }
    Connection* operator->() const noexcept { return _connection.get(); }

    /// Puts a fresh connection into the place.
    void fill(std::unique_ptr<Connection> connection);
    /// Gives the connection back for the next exchange, to be kept for at most that long.
    void keep(std::chrono::milliseconds idleTimeout);
    /// Closes the connection and gives its place back.
    void drop() noexcept;
    /// Whether this process is a forked child of the one that holds the connection.
    bool isForeign() const noexcept;
    /// The connection turned out dead although it looked alive.
    void countStale() noexcept;

private:
    friend class ConnectionPool;
    Lease(std::shared_ptr<ConnectionPool> pool, ConnectionPool::Place& place, std::unique_ptr<Connection> connection);
    std::shared_ptr<ConnectionPool> _pool;
    ConnectionPool::Place* _place = nullptr;
    std::unique_ptr<Connection> _connection;
};

} // namespace tollgate::transport
