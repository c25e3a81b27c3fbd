#include "stores/SharedStore.h"

#include "stores/Forgetting.h"
#include "stores/Merge.h"
#include "stores/StateTimes.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <mutex>
#include <random>
#include <tuple>
#include <utility>

namespace tollgate::stores {

namespace {

constexpr Duration memberRefresh = std::chrono::seconds(3);
constexpr Duration idleMemberRefresh = std::chrono::seconds(20); ///< of one that only waits
constexpr Duration memberLife = std::chrono::seconds(60);
constexpr Duration rebootReserve = std::chrono::seconds(2); ///< the calendar may be a little off at either end
constexpr Duration longestKept = std::chrono::hours(24 * 32);
constexpr Duration noticeLasts = std::chrono::seconds(60);

std::uint64_t draw()
{
    std::random_device random;
    return (std::uint64_t{random()} << 32) | random();
}

std::string drawName()
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string name;
    for (std::uint64_t bits = draw(), i = 0; i < 16; ++i, bits >>= 4) name += digits[bits & 0xf];
    return name;
}

/// What must not be lost in a power cut: verdicts and locks. Counts may be: a machine that was off has waited.
auto gravityOf(const GateState& gate)
{
    std::size_t bad = 0;
    std::size_t strikes = 0;
    for (const auto& version : gate.versions) {
        bad += version.second.verdict == VersionState::Verdict::Bad;
        strikes += version.second.strikes;
    }
    return std::make_tuple(bad, strikes, gate.rejections, gate.lastRejected, gate.locks, gate.lockedUntil);
}

Secret drawNamingKey()
{
    std::array<char, 32> bytes{};
    std::random_device random;
    for (char& byte : bytes) byte = static_cast<char>(random());
    return Secret(std::string_view(bytes.data(), bytes.size()));
}

} // namespace

struct SharedStore::Visit
{
    TimePoint now{};
    QuotaState state;
    std::uint64_t epoch = 0;
    std::string_view before; ///< the body as it was read; empty if the state had to be mended
    std::string spoiled;
    std::string after;  ///< the body as it shall be
    bool found = false; ///< there was one
    bool lost = false;
    bool home = false; ///< what was counted apart is in it now
    decltype(gravityOf(GateState{})) gravity;
    TimePoint carefulSince{};
    TimePoint carefulUntil{};
    bool member = false;
};

SharedStore::SharedStore(std::unique_ptr<Backend> backend, const StoreOptions& options, Duration pause)
    : _backend(std::move(backend))
    , _failure(options.failure)
    , _declaredProcesses(options.processes)
    , _clock(options.clock ? options.clock : Clock::system())
    , _domain(_backend->domain())
    , _circuit(pause)
    , _member(drawName())
{
    joinForkGuard();
}

SharedStore::~SharedStore()
{
    leaveForkGuard();
    try {
        transport::Watch watch(never, {}); // the backend has its own limits
        const std::lock_guard<ForkMutex> lock(_mutex);
        for (const auto& [key, account] : _accounts) {
            if (!account.member && !account.island) continue;
            const std::size_t split = key.find('\n');
            signOut(QuotaKey(key.substr(0, split), key.substr(split + 1)), watch);
        }
    } catch (...) { // NOLINT(bugprone-empty-catch): those who stay forget us after a minute
    }
}

void SharedStore::update(const QuotaKey& key, const Change& change, const Patience& patience)
{
    transport::Watch watch(patience.until, patience.cancellation);
    const Turn::Taken turn(_turn, watch);
    watch.check(transport::Phase::Store);
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (_accounts.size() > _crowded) forgetIdleAccounts();
    Account& account = _accounts[key.text()];
    if (_circuit.lets(_clock->now())) {
        const TimePoint began = std::chrono::steady_clock::now();
        try {
            throughBackend(account, key, change, watch);
            recovered();
            if (_confirmNamingKey) confirmNamingKey(watch);
            return;
        } catch (const BackendFailure& failure) {
            failed(failure.what());
        } catch (const NewerDocument& newer) {
            failed(_backend->describe() + " holds a document that cannot be used here: " + newer.what());
        } catch (const Error&) { // the call's time was over, or it was cancelled
            gaveUp(began);
            throw;
        }
    }
    onIsland(account, change);
}

void SharedStore::throughBackend(Account& account, const QuotaKey& key, const Change& change, transport::Watch& watch)
{
    Visit visit;
    _backend->transact(
        key,
        [&](std::string_view bytes, TimePoint now) {
            visit = Visit{};
            visit.now = now;
            read(visit, account, bytes);
            bringHome(visit, account);
            const bool isCareful = careful(visit);
            if (!isCareful && visit.carefulUntil != TimePoint{}) {
                dropPresumed(visit.state); // all have brought home what they know
                visit.carefulUntil = {};
                visit.before = {};
            }
            visit.state.share = isCareful ? shareOf(visit.state) : 1;
            visit.gravity = gravityOf(visit.state.gate);
            change(visit.state, now);
            visit.state.share = 1;
            return write(visit);
        },
        watch);
    account.seen = true;
    account.epoch = visit.epoch;
    account.body = std::move(visit.after);
    account.state = std::move(visit.state);
    account.seenAt = visit.now;
    account.seenAtOurs = _clock->now();
    account.holds.look(*account.state, visit.now);
    account.carefulSince = visit.carefulSince;
    account.carefulUntil = visit.carefulUntil;
    account.member = visit.member;
    if (visit.home) account.island.reset();
    _mostProcesses = std::max(_mostProcesses, processes(*account.state));
    if (!visit.spoiled.empty())
        say(_backend->describe() + " held a document that could not be read; it was put aside, and counting began anew",
            _clock->now() + noticeLasts);
    if (visit.lost) _confirmNamingKey = true;
}

void SharedStore::read(Visit& visit, Account& account, std::string_view bytes)
{
    Stamp stamp;
    std::string_view body;
    bool found = !bytes.empty();
    if (found) {
        try {
            OpenedDocument document = openDocument(bytes);
            stamp = std::move(document.stamp);
            body = document.body;
            if (account.state && account.seen && stamp.epoch == account.epoch && body == account.body) {
                visit.state = std::move(*account.state);
                account.state.reset();
            } else {
                visit.state = decodeBody(body);
                clampTimes(visit.state, stamp.at);
            }
        } catch (const SpoiledDocument&) {
            visit.spoiled = bytes;
            visit.state = {};
            found = false;
        }
    }
    visit.found = found;
    visit.epoch = found ? stamp.epoch : draw();
    visit.before = body;
    if (!found) {
        static const std::string& nothing = *new std::string(encodeBody(QuotaState{}));
        visit.before = visit.spoiled.empty() ? std::string_view(nothing) : std::string_view();
        if (!visit.spoiled.empty()) {
            visit.carefulSince = visit.now;
            visit.carefulUntil = visit.now + noticeLasts;
        }
        return;
    }
    Duration by{};
    if (stamp.domain != _domain) { // written before a reboot
        const Duration passed = std::max<Duration>(Duration::zero(), _clock->wallNow() - stamp.wall);
        by = visit.now - stamp.at - passed + rebootReserve;
    } else if (stamp.at > visit.now) { // the store's clock was set back
        by = visit.now - stamp.at;
    }
    if (by == Duration::zero()) return;
    shiftTimes(visit.state, by);
    visit.before = {};
}

void SharedStore::bringHome(Visit& visit, Account& account) const
{
    visit.carefulSince = std::max(visit.carefulSince, account.carefulSince);
    visit.carefulUntil = std::max(visit.carefulUntil, account.carefulUntil);
    visit.lost = account.seen && visit.epoch != account.epoch;
    if (!account.island && !visit.lost) return;
    const Duration by = visit.now - ownTime(account);
    if (account.island) {
        account.island->returnTo(visit.state, by);
        visit.carefulSince = visit.now - (_clock->now() - _failedAt);
    } else {
        QuotaState mine = lastSeen(account);
        shiftTimes(mine, by);
        if (!worthKeeping(mine, visit.now)) {
            visit.lost = false; // it was idle, so it was rightly dropped
            return;
        }
        visit.carefulSince = account.seenAt + by;
        // Once: who comes later finds it presumed already.
        if (processes(mine) > 1 && !visit.found) presumeTaken(mine, visit.carefulSince, visit.now, account.holds);
        if (!visit.found) drawApart(mine);
        mergeStates(visit.state, mine);
    }
    visit.carefulUntil = std::max(visit.carefulUntil, visit.now + account.holds.longest());
    visit.home = true;
    visit.before = {};
}

bool SharedStore::careful(const Visit& visit) const
{
    if (visit.carefulUntil <= visit.now || _failure == StoreFailure::Open) return false;
    const auto& members = visit.state.members;
    return _declaredProcesses > members.size() || std::any_of(members.begin(), members.end(), [&](const auto& member) {
               return member.first != _member && member.second <= visit.carefulSince && visit.now - member.second <= memberLife;
           });
}

Edited SharedStore::write(Visit& visit) const
{
    visit.after = encodeBody(visit.state);
    const auto listed = visit.state.members.find(_member);
    visit.member = listed != visit.state.members.end();
    const bool changed = visit.after != visit.before;
    // A look, or a refusal, changes nothing, and so costs no write; but those who wait are to be known as well.
    const Duration unseen = visit.member ? visit.now - listed->second : Duration::max();
    if (visit.home ||
        (unseen > (changed ? memberRefresh : idleMemberRefresh) && (changed || worthKeeping(visit.state, visit.now)))) {
        signIn(visit.state, visit.now);
        visit.member = true;
        visit.after = encodeBody(visit.state);
    } else if (!changed) {
        return {};
    }
    return written(visit);
}

Edited SharedStore::written(Visit& visit) const
{
    Edited edited;
    edited.write = true;
    edited.bytes = encodeDocument({visit.epoch, visit.now, _clock->wallNow(), _domain}, visit.after);
    edited.durable = gravityOf(visit.state.gate) != visit.gravity;
    const TimePoint until = worthUntil(visit.state);
    edited.keepFor =
        until > visit.now + longestKept ? longestKept : std::max<Duration>(until - visit.now, Duration::zero()) + memberLife;
    edited.spoiled = visit.spoiled;
    return edited;
}

void SharedStore::signIn(QuotaState& state, TimePoint now) const
{
    for (auto at = state.members.begin(); at != state.members.end();)
        at = now - at->second > memberLife ? state.members.erase(at) : std::next(at);
    state.members[_member] = now;
}

void SharedStore::signOut(const QuotaKey& key, transport::Watch& watch)
{
    if (!_circuit.lets(_clock->now()) || !_backend->isThere()) return;
    Account& account = _accounts[key.text()];
    _backend->transact(
        key,
        [&](std::string_view bytes, TimePoint now) {
            Visit visit;
            visit.now = now;
            read(visit, account, bytes);
            if (!account.island && bytes.empty()) return Edited{}; // nothing there that knows us
            bringHome(visit, account);
            visit.gravity = gravityOf(visit.state.gate);
            visit.state.members.erase(_member);
            visit.after = encodeBody(visit.state);
            return visit.after == visit.before ? Edited{} : written(visit);
        },
        watch);
}

void SharedStore::onIsland(Account& account, const Change& change)
{
    if (_failure == StoreFailure::Closed) {
        ErrorDetails details;
        details.message = "The shared quota store cannot be used, and nothing may go without it: " + trouble() + ".";
        details.hint = "Bring it back; or let StoreOptions::failure be SafeShare, if work shall go on meanwhile.";
        throw StoreUnavailable(std::move(details));
    }
    if (!account.seen && account.seenAtOurs == TimePoint{}) account.seenAt = account.seenAtOurs = _clock->now();
    const TimePoint now = ownTime(account);
    if (!account.island) {
        QuotaState state = lastSeen(account);
        const unsigned share = _failure == StoreFailure::SafeShare ? shareOf(state) : 1;
        account.island.emplace(std::move(state), share, account.seenAt, now, account.holds);
    }
    change(account.island->state(), now);
}

QuotaState SharedStore::lastSeen(Account& account) const
{
    if (account.state) return *account.state;
    return account.body.empty() ? QuotaState{} : decodeBody(account.body);
}

TimePoint SharedStore::ownTime(const Account& account) const { return account.seenAt + (_clock->now() - account.seenAtOurs); }

unsigned SharedStore::processes(const QuotaState& state) const
{
    if (_declaredProcesses != 0) return _declaredProcesses;
    const std::size_t others = state.members.size() - state.members.count(_member);
    return std::max(state.members.empty() ? _mostProcesses : 1,
                    static_cast<unsigned>(std::min<std::size_t>(others, 1'000'000)) + 1);
}

/// One share for each process, and one for what the others took since we looked, or for one of them that came since.
unsigned SharedStore::shareOf(const QuotaState& state) const
{
    const unsigned count = processes(state);
    return count > 1 ? count + 1 : 1;
}

void SharedStore::forgetIdleAccounts()
{
    for (auto at = _accounts.begin(); at != _accounts.end();) {
        Account& account = at->second;
        const bool idle = !account.island && !worthKeeping(lastSeen(account), ownTime(account));
        at = idle ? _accounts.erase(at) : std::next(at);
    }
    _crowded = std::max(fewAccounts, 2 * _accounts.size()); // so that looking costs little each time
}

Secret SharedStore::namingKey(const Patience& patience)
try {
    transport::Watch watch(patience.until, patience.cancellation);
    const Turn::Taken turn(_turn, watch);
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (!_namingKey.empty() || !_circuit.lets(_clock->now())) return _namingKey;
    const TimePoint began = std::chrono::steady_clock::now();
    try {
        _namingKey = _backend->namingKey(drawNamingKey(), watch);
        recovered();
    } catch (const BackendFailure& failure) {
        failed(failure.what());
    } catch (const Error&) {
        gaveUp(began);
    }
    return _namingKey;
} catch (const Error&) { // no turn in time
    return {};
}

/// The store was emptied: unless somebody was quicker, the key that all of us know is the one to go on with.
void SharedStore::confirmNamingKey(transport::Watch& watch)
{
    try {
        if (!_namingKey.empty()) _namingKey = _backend->namingKey(_namingKey, watch);
        _confirmNamingKey = false;
    } catch (const BackendFailure&) { // NOLINT(bugprone-empty-catch): tried again at the next update
    } catch (const Error&) {          // NOLINT(bugprone-empty-catch): the same; what the call came for is done
    }
}

void SharedStore::gaveUp(TimePoint began)
{
    if (_circuit.gaveUp(std::chrono::steady_clock::now() - began, _backend->patience()))
        failed(_backend->describe() + " keeps calls waiting until their time is over");
}

void SharedStore::failed(const std::string& why)
{
    _failedAt = _clock->now();
    _circuit.failed(_failedAt);
    say(why, never);
}

void SharedStore::recovered()
{
    _circuit.succeeded();
    const std::lock_guard<ForkMutex> lock(_troubleMutex);
    if (_troubleUntil == never) _trouble.clear();
}

void SharedStore::say(std::string trouble, TimePoint until)
{
    const std::lock_guard<ForkMutex> lock(_troubleMutex);
    _trouble = std::move(trouble);
    _troubleUntil = until;
}

std::string SharedStore::trouble() const
{
    const std::lock_guard<ForkMutex> lock(_troubleMutex);
    return _clock->now() < _troubleUntil ? _trouble : std::string();
}

void SharedStore::beforeFork() noexcept
{
    _turn.beforeFork();
    _backend->beforeFork();
}

void SharedStore::afterFork(bool inChild) noexcept
{
    _turn.afterFork(inChild);
    if (!inChild) return;
    _backend->inForkedChild();
    try {
        _member = drawName();
        for (auto& [key, account] : _accounts) {
            account.member = false;
            if (account.island) account.island->drawApart();
        }
    } catch (...) { // NOLINT(bugprone-empty-catch): without memory for a name, parent and child are counted as one
    }
}

} // namespace tollgate::stores
