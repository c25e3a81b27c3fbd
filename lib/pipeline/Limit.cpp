#include "pipeline/Limit.h"

#include "ClientCore.h"
#include "limits/Hash.h"
#include "limits/OpenLimit.h"
#include "limits/ServerHints.h"
#include "pipeline/Report.h"
#include "tollgate/Error.h"

#include <Poco/Exception.h>
#include <Poco/URI.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <random>

namespace tollgate::pipeline {

using limits::Admission;

namespace {

/// Endpoints are told apart by the first segment of their path: "/products" for "/products/7".
std::uint32_t endpointFamily(std::string_view path) { return limits::hashOf(path.substr(0, path.find_first_of("/?", 1))); }

bool containsIgnoreCase(std::string_view text, std::string_view part)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [&lower](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

/// The path as the server will read it (RFC 3986 section 6.2.2), so that no other spelling passes a limit by.
std::string plainPath(std::string_view path)
{
    if (path.find('%') == std::string_view::npos && path.find("//") == std::string_view::npos &&
        path.find("/.") == std::string_view::npos && path.find(';') == std::string_view::npos)
        return std::string(path);
    std::string decoded;
    try {
        Poco::URI::decode(std::string(path), decoded);
    } catch (const Poco::Exception&) {
        decoded = path;
    }
    std::string plain;
    for (std::size_t at = 0; at < decoded.size();) {
        const std::size_t begin = decoded.find_first_not_of('/', at);
        const std::size_t end = std::min(decoded.find('/', begin), decoded.size());
        if (begin == std::string::npos) break;
        const std::string segment = decoded.substr(begin, std::min(decoded.find(';', begin), end) - begin);
        if (segment == "..")
            plain.erase(std::min(plain.rfind('/'), plain.size()));
        else if (segment != "." && !segment.empty())
            plain += '/' + segment;
        at = end;
    }
    return plain.empty() ? "/" : plain;
}

/// Whether an answer bears one of the marks that mean a lock.
bool saysLocked(const LockoutPolicy& policy, const ResponseHead& head, std::string_view body)
{
    if (!policy.declared || (head.status != 403 && head.status != 429)) return false;
    for (const std::string& marker : policy.markers) {
        if (containsIgnoreCase(body.substr(0, 8192), marker)) return true;
        const auto colon = marker.find(": ");
        if (colon == std::string::npos) continue;
        const auto value = head.headers.get(marker.substr(0, colon));
        if (value && equalsIgnoreCase(*value, std::string_view(marker).substr(colon + 2))) return true;
    }
    return false;
}

/// The call's own time, on the real clock that a shared store waits by.
Patience patienceOf(const CallImpl& call)
{
    if (!call.core().sharesStore) return {};
    const Duration left = call.deadline() - call.clock().now(); // first, so that the end is not before the deadline
    const TimePoint now = std::chrono::steady_clock::now();
    return {call.deadline() == never || left >= never - now ? never : now + left, call.anyCancellation()};
}

/// The same for what must not be lost because the call's time is over: a healthy store takes it in that time.
Patience patienceToReport(const CallImpl& call)
{
    constexpr Duration grace = std::chrono::milliseconds(10);
    if (!call.core().sharesStore) return {};
    const TimePoint least = std::chrono::steady_clock::now() + grace;
    if (call.isOver()) return {least, {}};
    Patience patience = patienceOf(call);
    patience.until = std::max(patience.until, least);
    return patience;
}

/// Until a process that shares the store asks again for what another one has in flight: nobody can wake it. Not all at once.
Duration glance()
{
    thread_local std::minstd_rand generator{std::random_device{}()};
    return std::chrono::milliseconds(std::uniform_int_distribution<int>(20, 60)(generator));
}

} // namespace

struct Limit::Slot
{
    const Family* family = nullptr;
    limits::Ticket ticket;
    std::shared_ptr<const ClientCore::Version> version;
    std::uint32_t path = 0;
    PermitId permit = 0; ///< 0: none held
    std::size_t attemptsBefore = 0;
    bool inLine = false;
    bool granted = false; ///< at least once

    limits::Ask ask(const CallImpl& call, const ClientCore::Version& with, std::uint64_t ahead) const
    {
        const Duration patience = call.deadline() == never ? Duration::max() : call.deadline() - call.clock().now();
        return {family->limits, call.core().options.lockout, with.key, call.request().weight(), ahead, patience, path,
                with.lastFour};
    }
};

const Limit::Family& Limit::familyOf(std::string_view path)
{
    const auto& all = _core.options.limits;
    std::uint64_t covering = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i]->covers(path)) covering |= std::uint64_t{1} << i;

    const std::lock_guard<ForkMutex> lock(_mutex);
    auto& family = _families[covering];
    if (!family) {
        auto made = std::make_unique<Family>();
        std::string name;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!(covering >> i & 1)) continue;
            made->limits.push_back(all[i]);
            name += all[i]->id() + '\n';
        }
        if (made->limits.empty()) made->limits.push_back(limits::openLimit());
        made->line = _core.account->line(name);
        family = std::move(made);
    }
    return *family;
}

/// Asks for a permit with the newest version; while that is new and proves itself, or is known to be bad, with the good one
/// before it.
Admission Limit::admit(CallImpl& call, Slot& slot, const Patience& patience) const
{
    struct Question
    {
        limits::Ask newest;
        std::optional<limits::Ask> older{};
        Admission admission{};
        bool byOlder = false;
    } question{slot.ask(call, *slot.version, 0)};
    const CredentialPtr older = _core.versionBefore(call.credential);
    const auto olderVersion = older ? _core.versionOf(older, patience) : nullptr;
    if (older) question.older.emplace(slot.ask(call, *olderVersion, 0));

    // One pointer for the store's function object, so that it needs no memory of its own.
    _core.account->update(
        [&question](QuotaState& state, TimePoint now) {
            question.byOlder = false;
            question.admission = limits::admit(state, question.newest, now);
            const auto kind = question.admission.kind;
            if (!question.older || (kind != Admission::Kind::Busy && kind != Admission::Kind::Rejected)) return;
            const auto known = state.gate.versions.find(question.older->version);
            if (known == state.gate.versions.end() || known->second.verdict != VersionState::Verdict::Good) return;
            Admission other = limits::admit(state, *question.older, now);
            question.byOlder = other.kind == Admission::Kind::Granted;
            if (question.byOlder || other.kind == Admission::Kind::Wait) question.admission = std::move(other);
        },
        patience);
    if (question.byOlder) {
        call.credential = older;
        slot.version = olderVersion;
    }
    return std::move(question.admission);
}

/// The store kept the call until it was over; it was not the limit. The next step ends it.
Verdict Limit::overAtStore(CallImpl& call, Slot& slot)
{
    if (slot.inLine) slot.family->line->leave(slot.ticket);
    slot.inLine = false;
    return Verdict::wait(call.clock().now(), "quota store");
}

Verdict Limit::before(Call& each)
{
    auto& call = static_cast<CallImpl&>(each);
    if (call.foreign) return Verdict::proceed();

    Slot& slot = call.slot<Slot>(*this);
    if (!slot.family) {
        const std::string path = plainPath(_core.pathBelowBase(call.url()));
        slot.path = endpointFamily(path);
        slot.family = &familyOf(path);
    }
    // The newest version at the moment of asking: a call that waited binds to the credential it will be sent with.
    const Patience patience = patienceOf(call);
    slot.version = _core.versionOf(call.credential, patience);
    if (_core.sharesStore && call.isOver()) return overAtStore(call, slot);

    const unsigned weight = call.request().weight();
    const TimePoint now = call.clock().now();
    limits::Line& line = *slot.family->line;
    if (!slot.inLine) {
        slot.inLine = true;
        if (call.number == 0) call.number = _core.account->drawNumber();
        const limits::Line::Place place = line.join(slot.ticket, call, call.number);
        if (place.ahead > 0) {
            // What the first was told, and the rounds that those ahead take, bound the wait without asking the store.
            static const QuotaState untouched;
            const Admission behind = limits::foresee(untouched, slot.ask(call, *slot.version, place.ahead), now);
            Admission bound = behind;
            bound.wait = std::max(behind.wait.value_or(Duration::zero()), line.notBefore(weight) - now);
            const bool tooLate = call.deadline() != never && *bound.wait > call.deadline() - now;
            if (behind.kind == Admission::Kind::TooHeavy || tooLate || place.length > _core.options.queueLimit) {
                if (bound.kind == Admission::Kind::Granted) bound.kind = Admission::Kind::Wait;
                if (!tooLate && bound.kind == Admission::Kind::Wait) bound.kind = Admission::Kind::QueueFull;
                return refuse(call, slot, bound);
            }
        }
    }
    if (!line.isFirst(slot.ticket)) return Verdict::wait(call.deadline(), "permit");

    Admission admission;
    bool troubled = false;
    const std::uint64_t seen = line.changes();
    if (const TimePoint known = line.notBefore(weight); known > now) { // a known wait asks nobody
        admission.kind = Admission::Kind::Wait;
        admission.wait = known - now;
    } else {
        std::optional<limits::Line::Question> question;
        if (_core.sharesStore) question.emplace(line);
        try {
            admission = admit(call, slot, patience);
        } catch (const Error&) {
            if (!call.isOver()) throw;
            if (question) question->gaveUp();
            return overAtStore(call, slot);
        }
        slot.permit = admission.permit; // before anything that may throw: who has it gives it back
        slot.attemptsBefore = call.attempts().size();
        troubled = watchStore();
    }
    switch (admission.kind) {
    case Admission::Kind::Granted:
        slot.granted = true;
        line.notBefore({}, 0, seen);
        line.leave(slot.ticket);
        return Verdict::proceed();
    case Admission::Kind::Wait: {
        // A store that is in trouble now may be back before.
        const TimePoint again = now + (troubled ? std::min<Duration>(*admission.wait, std::chrono::seconds(1)) : *admission.wait);
        line.notBefore(again, weight, seen);
        if (call.deadline() != never && *admission.wait >= call.deadline() - now) return refuse(call, slot, admission);
        return Verdict::wait(again, "permit");
    }
    case Admission::Kind::Busy: {
        // Whoever flies wakes the lines of this process; another process cannot, so look again now and then.
        const Duration wait = admission.wait.value_or(std::chrono::seconds(1));
        return Verdict::wait(std::min(call.deadline(), now + (_core.sharesStore ? std::min(wait, glance()) : wait)), "permit");
    }
    default: return refuse(call, slot, admission);
    }
}

Verdict Limit::refuse(CallImpl& call, Slot& slot, const Admission& admission) const
{
    slot.family->line->leave(slot.ticket);
    ErrorDetails details;
    details.delivery = call.delivery();
    details.cause = admission.cause;
    if (admission.wait) {
        details.retryIn = admission.wait;
        details.notBefore = call.clock().wallNow() + std::chrono::ceil<WallTime::duration>(*admission.wait);
    }
    const std::string when = admission.wait ? " in " + secondsText(*admission.wait) : std::string();
    switch (admission.kind) {
    case Admission::Kind::Rejected:
        details.message = "the server answered 401 to this credential before, so the call was not sent";
        details.hint = admission.wait
                           ? "Fix or rotate the credential: a new one is used at once. This one is tried once more" + when + "."
                           : "Fix or rotate the credential: a new one is used at once. This one is not tried again.";
        return Verdict::answer(ErrorPtr(std::make_shared<CredentialRejected>(std::move(details))));
    case Admission::Kind::Locked:
        details.message = "the account is locked, so the call was not sent: " + admission.cause;
        details.hint = "Wait: the lock is thought to end" + when +
                       ", then one call goes first to find out. More tries would only prolong it.";
        return Verdict::answer(ErrorPtr(std::make_shared<LockedOut>(std::move(details))));
    case Admission::Kind::TooHeavy:
        details.retryIn.reset();
        details.notBefore.reset();
        details.message =
            "the call weighs more than a limit ever lets go at once: " + (admission.binding ? admission.binding->describe() : "");
        details.hint = "Give it a smaller weight, or split it.";
        return Verdict::answer(ErrorPtr(std::make_shared<InvalidRequest>(std::move(details))));
    case Admission::Kind::QueueFull:
        details.message =
            fmt::format("{} calls wait for a permit already, so this one was not put in line", _core.options.queueLimit);
        details.hint = "Send slower than the limit on average, or allow a longer line with queueLimit().";
        return Verdict::answer(ErrorPtr(std::make_shared<RateLimited>(std::move(details))));
    default:
        details.message = "the limit leaves no room before the call's deadline" +
                          (admission.binding ? ": " + admission.binding->describe() : std::string());
        details.hint = "It can go" + when + ". Send later, give it a longer timeout, or spread the calls.";
        return Verdict::answer(ErrorPtr(std::make_shared<RateLimited>(std::move(details))));
    }
}

Verdict Limit::after(Call& each, Outcome& outcome)
{
    auto& call = static_cast<CallImpl&>(each);
    if (call.foreign) return Verdict::proceed();
    Slot& slot = call.slot<Slot>(*this);
    if (slot.permit != 0) settle(call, slot, outcome);
    if (slot.inLine && !slot.granted && !outcome && dynamic_cast<const Timeout*>(&outcome.error())) {
        const limits::Line& line = *slot.family->line;
        Admission late;
        late.kind = Admission::Kind::Wait;
        late.wait = std::max<Duration>(line.notBefore(call.request().weight()) - call.clock().now(), Duration::zero());
        // Its time ran out in the line: that is the limit's doing, and the error says when a call can go. Unless the first of the
        // line was waiting for the store.
        if (*late.wait > Duration::zero() || !_core.sharesStore || !line.waitsForStore()) {
            slot.inLine = false;
            return refuse(call, slot, late);
        }
    }
    if (slot.inLine) slot.family->line->leave(slot.ticket);
    slot.inLine = false;
    return Verdict::proceed();
}

void Limit::settle(CallImpl& call, Slot& slot, const Outcome& outcome)
{
    Report report{slot.ask(call, *slot.version, 0), std::exchange(slot.permit, 0)};
    // What the server did counts, not what a stage made of it: an attempt that was recorded, and the status it came back with.
    const auto& attempts = call.attempts();
    ServerAnswer answer;
    if (attempts.size() > slot.attemptsBefore) {
        report.delivery = attempts.back().delivery == Delivery::NotSent ? Delivery::NotSent : Delivery::MaybeProcessed;
        answer.status = attempts.back().status;
        if (answer.status == 429 && call.noLimit) answer.status = 402; // for limits and gate: a refusal that is none of theirs
        if (outcome && outcome->status() == attempts.back().status) {
            answer.hint = limits::serverHint(outcome->headers(), call.clock().wallNow());
            answer.saysLocked = saysLocked(_core.options.lockout, outcome->head(), outcome->body());
            if (answer.hint.ignored > 0) _core.counters.ignoredHints.fetch_add(answer.hint.ignored, std::memory_order_relaxed);
        }
        if (answer.status != 0) report.answer = &answer;
    }
    // A store that fails is no reason to keep the answer from the caller.
    try {
        _core.account->update(
            [&report](QuotaState& state, TimePoint now) {
                report.broken = true;
                report.run(state, now);
                report.broken = false;
            },
            patienceToReport(call));
    } catch (const Error&) {
        if (report.broken) throw;
        const bool weighty = report.answer && answer.status >= 400 && answer.status < 500;
        _core.account->putOff(report.forLater(), weighty);
        report.forget(); // it may have run, but what it found was not kept
        if (answer.saysLocked && answer.status != 402 && !report.ask.version.empty()) {
            report.verdict = limits::GateVerdict::Locked;
            report.cause = "the server says so";
        }
    }
    watchStore();
    call.locked = report.verdict == limits::GateVerdict::Locked;
    call.throttled = answer.status == 429 || (answer.status == 403 && !call.locked && answer.hint.wait());
    call.shutFor = report.shutFor;
    call.gateWait = report.gateWait;
    call.gateCause = report.cause;
    if (report.moved) _core.account->wakeAll();
    if (_core.options.observer) tell(report);
}

void Limit::tell(const Report& report) const
{
    using Kind = Transition::Kind;
    Observer& observer = *_core.options.observer;
    if (report.steppedDown)
        observer.onTransition(
            {Kind::SteppedDown,
             "the server answered 429 while there was room (" + report.steppedDown->describe() +
                 "): it counts in another way, or somebody else uses the same quota; requests are spread evenly from now on",
             {}});
    if (report.rejected)
        observer.onTransition(
            {Kind::CredentialRejected, "the server answered 401 to this version of the credential", report.gateWait});
    if (report.accepted)
        observer.onTransition({Kind::CredentialAccepted, "the server accepts this version of the credential", {}});
    if (report.locked) observer.onTransition({Kind::Locked, report.cause, report.gateWait});
    if (report.unlocked) observer.onTransition({Kind::Unlocked, "the account is not locked any more", {}});
}

bool Limit::watchStore()
{
    if (!_core.sharesStore) return false;
    std::string trouble = _core.options.quotaStore->trouble();
    const bool troubled = !trouble.empty();
    {
        const std::lock_guard<ForkMutex> lock(_mutex);
        if (troubled == _storeTrouble) return troubled;
        _storeTrouble = troubled;
    }
    if (!_core.options.observer) return troubled;
    using Kind = Transition::Kind;
    if (trouble.empty())
        _core.options.observer->onTransition({Kind::StoreRecovered, "the shared quota store can be reached again", {}});
    else
        _core.options.observer->onTransition({Kind::StoreTrouble, std::move(trouble), {}});
    return troubled;
}

} // namespace tollgate::pipeline
