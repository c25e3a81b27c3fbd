#include "limits/Account.h"

#include <utility>

namespace tollgate::limits {

Ticket::~Ticket()
{
    if (_line) _line->leave(*this);
}

std::uint64_t Line::join(Ticket& ticket, Call& call, std::uint64_t number, unsigned weight)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    if (ticket._line) return 0;
    if (_process != ::getpid()) { // a forked child: those in line wait in the parent
        _process = ::getpid();
        _first = _last = nullptr;
        _waitingWeight = 0;
        _notBefore = {};
    }
    ticket._line = this;
    ticket._call = &call;
    ticket._number = number;
    ticket._weight = weight;

    std::uint64_t ahead = _waitingWeight;
    Ticket* before = _last;
    for (; before && before->_number > number; before = before->_before) ahead -= before->_weight;
    Ticket* behind = before ? before->_behind : _first;
    ticket._before = before;
    ticket._behind = behind;
    (before ? before->_behind : _first) = &ticket;
    (behind ? behind->_before : _last) = &ticket;
    _waitingWeight += weight;
    return ahead;
}

bool Line::isFirst(const Ticket& ticket) const
{
    const std::lock_guard<std::mutex> lock(_mutex);
    return _first == &ticket;
}

void Line::leave(Ticket& ticket)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    if (ticket._line != this) return;
    const bool wasFirst = _first == &ticket;
    (ticket._before ? ticket._before->_behind : _first) = ticket._behind;
    (ticket._behind ? ticket._behind->_before : _last) = ticket._before;
    _waitingWeight -= ticket._weight;
    ticket._line = nullptr;
    // Under the lock, so that the woken call cannot be gone.
    if (wasFirst && _first) _first->_call->wake();
}

void Line::wakeFirst()
{
    const std::lock_guard<std::mutex> lock(_mutex);
    if (_first) _first->_call->wake();
}

void Line::notBefore(TimePoint time)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    _notBefore = time;
}

TimePoint Line::notBefore() const
{
    const std::lock_guard<std::mutex> lock(_mutex);
    return _notBefore;
}

std::shared_ptr<Line> Account::line(const std::string& family)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    auto& line = _lines[family];
    if (!line) line = std::make_shared<Line>();
    return line;
}

std::uint64_t Account::drawNumber()
{
    const std::lock_guard<std::mutex> lock(_mutex);
    return ++_lastNumber;
}

void Account::wakeAll()
{
    const std::lock_guard<std::mutex> lock(_mutex);
    for (const auto& entry : _lines) entry.second->wakeFirst();
}

std::shared_ptr<Account> Accounts::find(const QuotaStorePtr& store, const QuotaKey& key)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    auto& known = _accounts[{store.get(), key.text()}];
    std::shared_ptr<Account> account = known.lock();
    if (!account) known = account = std::make_shared<Account>(store, key);
    return account;
}

} // namespace tollgate::limits
