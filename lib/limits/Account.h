#pragma once

#include "tollgate/QuotaStore.h"
#include "tollgate/Stage.h"

#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tollgate::limits {

class Line;

/// A call's place in a line; leaves the line when it goes. One thread at a time uses it.
class Ticket
{
public:
    Ticket() = default;
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

private:
    friend class Line;
    Line* _line = nullptr;
    Call* _call = nullptr;
    std::uint64_t _number = 0;
    unsigned _weight = 1;
    Ticket* _before = nullptr;
    Ticket* _behind = nullptr;
};

/// Those who wait for a permit of one family of limits, first come first served. Only the first of a line asks the store.
/// Joining, leaving and calling the next are O(1), but for a call that returns to its old place.
class Line
{
public:
    /// Takes the place that `number` gives, the lower the nearer to the front. Does nothing if the ticket is in line already.
    /// Answers the units ahead of it.
    std::uint64_t join(Ticket& ticket, Call& call, std::uint64_t number, unsigned weight);
    bool isFirst(const Ticket& ticket) const;
    /// Leaves; the next one becomes the first and is woken.
    void leave(Ticket& ticket);
    /// Wakes the first: something it waits for has changed.
    void wakeFirst();

    /// What the first was last told: those behind it cannot go earlier. A hint, to refuse early without asking the store.
    void notBefore(TimePoint time);
    TimePoint notBefore() const;

private:
    mutable std::mutex _mutex;
    Ticket* _first = nullptr;
    Ticket* _last = nullptr;
    std::uint64_t _waitingWeight = 0;
    TimePoint _notBefore{};
    pid_t _process = ::getpid();
};

/// One account as this process sees it: its lines, shared by all clients that use it over one transport.
class Account
{
public:
    Account(QuotaStorePtr store, QuotaKey key) : _store(std::move(store)), _key(std::move(key)) {}

    void update(const QuotaStore::Change& change) { _store->update(_key, change); }
    std::shared_ptr<Line> line(const std::string& family);
    std::uint64_t drawNumber();
    /// Something came free, or the gate moved: the first of every line asks again.
    void wakeAll();

private:
    QuotaStorePtr _store;
    QuotaKey _key;
    std::mutex _mutex;
    std::map<std::string, std::shared_ptr<Line>> _lines;
    std::uint64_t _lastNumber = 0;
};

/// All accounts used over one transport.
class Accounts
{
public:
    std::shared_ptr<Account> find(const QuotaStorePtr& store, const QuotaKey& key);

private:
    std::mutex _mutex;
    std::map<std::pair<QuotaStore*, std::string>, std::weak_ptr<Account>> _accounts;
};

} // namespace tollgate::limits
