#include "limits/Account.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

namespace tollgate::limits {

Ticket::~Ticket()
{
    if (_line) _line->leave(*this);
}

Ticket* Line::first() const
{
    for (const Queue& queue : _queues)
        if (queue.first) return queue.first;
    return nullptr;
}

/// In a forked child: those in line wait in the parent, and none of them is there to be woken.
void Line::comeFromFork()
{
    if (_generation == forkGeneration) return;
    _generation = forkGeneration;
    _queues = {};
    _length = 0;
    _notBefore = {};
    _questions = 0;
    _questionGivenUp = false;
}

Line::Place Line::join(Ticket& ticket, Call& call, std::uint64_t number)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (ticket._line) return {0, _length};
    comeFromFork();
    ticket._line = this;
    ticket._generation = _generation;
    ticket._call = &call;
    ticket._number = number;
    ticket._weight = call.request().weight();
    ticket._priority = call.request().priority();

    Place place;
    for (std::size_t higher = 0; higher < static_cast<std::size_t>(ticket._priority); ++higher)
        place.ahead += _queues[higher].weight;
    Queue& queue = _queues[static_cast<std::size_t>(ticket._priority)];
    place.ahead += queue.weight;
    Ticket* before = queue.last;
    for (; before && before->_number > number; before = before->_before) place.ahead -= before->_weight;
    Ticket* behind = before ? before->_behind : queue.first;
    ticket._before = before;
    ticket._behind = behind;
    (before ? before->_behind : queue.first) = &ticket;
    (behind ? behind->_before : queue.last) = &ticket;
    queue.weight += ticket._weight;
    place.length = ++_length;
    return place;
}

bool Line::isFirst(const Ticket& ticket) const
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    // In a forked child, the call whose thread forked lost its place with all the others.
    return first() == &ticket || ticket._generation != forkGeneration;
}

void Line::leave(Ticket& ticket)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (ticket._line != this) return;
    ticket._line = nullptr;
    if (ticket._generation != forkGeneration) return; // its neighbours are the parent's
    const bool wasFirst = first() == &ticket;
    Queue& queue = _queues[static_cast<std::size_t>(ticket._priority)];
    (ticket._before ? ticket._before->_behind : queue.first) = ticket._behind;
    (ticket._behind ? ticket._behind->_before : queue.last) = ticket._before;
    queue.weight -= ticket._weight;
    --_length;
    // Under the lock, so that the woken call cannot be gone.
    if (Ticket* next = first(); wasFirst && next) next->_call->wake();
}

void Line::wakeFirst()
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    comeFromFork();
    _notBefore = {};
    ++_changes;
    if (Ticket* ticket = first()) ticket->_call->wake();
}

void Line::notBefore(TimePoint time, unsigned weight, std::uint64_t seen)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (seen != _changes) return;
    _notBefore = time;
    _notBeforeWeight = weight;
}

std::uint64_t Line::changes() const
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    return _changes;
}

TimePoint Line::notBefore(unsigned weight) const
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    return weight >= _notBeforeWeight ? _notBefore : TimePoint{};
}

namespace {
constexpr Duration soon = std::chrono::milliseconds(10); ///< a healthy store answers before
}

Line::Question::Question(Line& line) : _line(line), _began(std::chrono::steady_clock::now())
{
    const std::lock_guard<ForkMutex> lock(_line._mutex);
    _line.comeFromFork();
    if (_line._questions++ == 0) _line._questionSince = _began;
}

Line::Question::~Question()
{
    const std::lock_guard<ForkMutex> lock(_line._mutex);
    if (_line._questions > 0) --_line._questions;
    _line._questionGivenUp = _gaveUp && std::chrono::steady_clock::now() - _began > soon;
}

bool Line::waitsForStore() const
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    return _questionGivenUp || (_questions > 0 && std::chrono::steady_clock::now() - _questionSince > soon);
}

Account::~Account()
{
    if (!_hasPutOff) return;
    try {
        updateWithPutOff([](QuotaState&, TimePoint) {}, {std::chrono::steady_clock::now() + std::chrono::milliseconds(10), {}});
    } catch (...) { // NOLINT(bugprone-empty-catch): as if the process had died a little earlier
    }
}

void Account::putOff(QuotaStore::Change change, bool weighty)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (std::exchange(_putOffBy, forkGeneration) != forkGeneration) _putOff.clear();
    _putOff.push_back({std::move(change), weighty});
    trimPutOff();
}

void Account::trimPutOff()
{
    constexpr std::size_t most = 256;
    while (_putOff.size() > most) {
        const auto light = std::find_if(_putOff.begin(), _putOff.end(), [](const PutOff& each) { return !each.weighty; });
        _putOff.erase(light == _putOff.end() ? _putOff.begin() : light);
    }
    _hasPutOff.store(!_putOff.empty(), std::memory_order_release);
}

void Account::updateWithPutOff(const QuotaStore::Change& change, const Patience& patience)
{
    std::deque<PutOff> late;
    {
        const std::lock_guard<ForkMutex> lock(_mutex);
        if (_putOffBy == forkGeneration) late.swap(_putOff);
        _putOff.clear();
        trimPutOff();
    }
    const auto all = [&](QuotaState& state, TimePoint now) {
        for (const PutOff& each : late) {
            QuotaState changed = state;
            try {
                each.change(changed, now);
            } catch (...) { // a policy of the user's, perhaps: it must not stand in the way for ever
                continue;
            }
            state = std::move(changed);
        }
        change(state, now);
    };
    try {
        _store->update(_key, all, patience);
    } catch (...) {
        const std::lock_guard<ForkMutex> lock(_mutex);
        _putOff.insert(_putOff.begin(), std::make_move_iterator(late.begin()), std::make_move_iterator(late.end()));
        trimPutOff();
        throw;
    }
}

std::shared_ptr<Line> Account::line(const std::string& family)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    auto& line = _lines[family];
    if (!line) line = std::make_shared<Line>();
    return line;
}

std::uint64_t Account::drawNumber()
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    return ++_lastNumber;
}

void Account::wakeAll()
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    for (const auto& entry : _lines) entry.second->wakeFirst();
}

std::shared_ptr<Account> Accounts::find(const QuotaStorePtr& store, const QuotaKey& key)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (_accounts.size() >= _sweepAt) {
        for (auto at = _accounts.begin(); at != _accounts.end();) at = at->second.expired() ? _accounts.erase(at) : std::next(at);
        _sweepAt = std::max<std::size_t>(64, 2 * _accounts.size());
    }
    auto& known = _accounts[{store.get(), key.text()}];
    std::shared_ptr<Account> account = known.lock();
    if (!account) known = account = std::make_shared<Account>(store, key);
    return account;
}

} // namespace tollgate::limits
