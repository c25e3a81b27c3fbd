#pragma once

#include "ForkMutex.h"
#include "tollgate/QuotaStore.h"
#include "tollgate/Request.h"
#include "tollgate/Stage.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
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
    unsigned _generation = 0; ///< of the process that joined
    Call* _call = nullptr;
    std::uint64_t _number = 0;
    unsigned _weight = 1;
    Priority _priority = Priority::Normal;
    Ticket* _before = nullptr;
    Ticket* _behind = nullptr;
};

/// Those who wait for a permit of one family of limits: by priority, then first come first served. Only the first of a line asks
/// the store. Joining, leaving and calling the next are O(1), but for a call that returns to its old place.
class Line
{
public:
    struct Place
    {
        std::uint64_t ahead = 0; ///< units of weight before it
        std::size_t length = 0;  ///< calls in line, itself included
    };
    /// Takes the place that `number` gives among those of its priority, the lower the nearer to the front. Does nothing if the
    /// ticket is in line already.
    Place join(Ticket& ticket, Call& call, std::uint64_t number);
    bool isFirst(const Ticket& ticket) const;
    /// Leaves; the next one becomes the first and is woken.
    void leave(Ticket& ticket);
    /// Something that the first waits for has changed: forgets notBefore() and wakes it.
    void wakeFirst();

    /// What the first was last told: nobody of that weight or more can go earlier, so nobody needs to ask the store again. `seen`
    /// is changes() from before the question: if something changed since, the answer is old and not kept.
    void notBefore(TimePoint time, unsigned weight, std::uint64_t seen);
    TimePoint notBefore(unsigned weight) const;
    /// How often wakeFirst() was called.
    std::uint64_t changes() const;

    /// While somebody of the line asks a store that may take long.
    class Question
    {
    public:
        explicit Question(Line& line);
        ~Question();
        Question(const Question&) = delete;
        Question& operator=(const Question&) = delete;
        /// Its call was over before the answer came.
        void gaveUp() noexcept { _gaveUp = true; }

    private:
        Line& _line;
        const TimePoint _began;
        bool _gaveUp = false;
    };
    /// Whether a question takes longer than a healthy store does, or the last one ended so.
    bool waitsForStore() const;

private:
    struct Queue
    {
        Ticket* first = nullptr;
        Ticket* last = nullptr;
        std::uint64_t weight = 0;
    };
    Ticket* first() const;
    void comeFromFork();

    mutable ForkMutex _mutex;
    std::array<Queue, 3> _queues; ///< by priority
    std::size_t _length = 0;
    std::uint64_t _changes = 0;
    TimePoint _notBefore{};
    unsigned _notBeforeWeight = 0;
    unsigned _questions = 0;    ///< open ones...
    TimePoint _questionSince{}; ///< ...since then, on the real clock
    bool _questionGivenUp = false;
    unsigned _generation = forkGeneration;
};

/// One account as this process sees it: its lines, shared by all clients that use it over one transport.
class Account
{
public:
    Account(QuotaStorePtr store, QuotaKey key) : _store(std::move(store)), _key(std::move(key)) {}
    /// Tries once more, shortly, to make the changes that were put off.
    ~Account();
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    /// Makes what was put off before its own change.
    void update(const QuotaStore::Change& change, const Patience& patience = {})
    {
        if (_hasPutOff.load(std::memory_order_acquire))
            updateWithPutOff(change, patience);
        else
            _store->update(_key, change, patience);
    }
    /// A change that the store did not take in time: made with the next one. It must own what it uses. Of very many the oldest
    /// are dropped, those that are not weighty first, as if their process had died: what they hold lapses by itself.
    void putOff(QuotaStore::Change change, bool weighty);
    std::shared_ptr<Line> line(const std::string& family);
    std::uint64_t drawNumber();
    /// Something came free, or the gate moved: the first of every line asks again.
    void wakeAll();

private:
    struct PutOff
    {
        QuotaStore::Change change;
        bool weighty;
    };
    void updateWithPutOff(const QuotaStore::Change& change, const Patience& patience);
    void trimPutOff();

    QuotaStorePtr _store;
    QuotaKey _key;
    ForkMutex _mutex;
    std::deque<PutOff> _putOff;
    unsigned _putOffBy = forkGeneration; ///< the process; its child leaves that to it
    std::atomic<bool> _hasPutOff{false};
    std::map<std::string, std::shared_ptr<Line>> _lines;
    std::uint64_t _lastNumber = 0;
};

/// All accounts used over one transport.
class Accounts
{
public:
    std::shared_ptr<Account> find(const QuotaStorePtr& store, const QuotaKey& key);

private:
    ForkMutex _mutex;
    std::map<std::pair<QuotaStore*, std::string>, std::weak_ptr<Account>> _accounts;
    std::size_t _sweepAt = 64; ///< those that nobody uses any more are forgotten when there are so many
};

} // namespace tollgate::limits
