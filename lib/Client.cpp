#include "tollgate/Client.h"

#include "ClientCore.h"
#include "limits/Gate.h"
#include "pipeline/Answer.h"
#include "pipeline/OwnThread.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <utility>

namespace tollgate {

namespace {

using pipeline::Body;

Result<Response> drive(const std::shared_ptr<const ClientCore>& core, const Request& request, Body body)
{
    core->counters.calls.fetch_add(1, std::memory_order_relaxed);
    pipeline::OwnThread driver(core->clock());
    const auto call = std::make_shared<CallImpl>(core, request, driver);
    driver.run(*call);
    return pipeline::answer(*call, call->outcome(), body);
}

} // namespace

ClientBuilder Client::to(std::string baseUrl)
{
    ClientBuilder builder;
    builder._options.baseUrl = std::move(baseUrl);
    return builder;
}

Request Client::request(std::string method, std::string_view target) const
{
    Request request(std::move(method), target);
    request._client = _core;
    return request;
}

Response Client::send(const Request& request) const { return drive(_core, request, Body::Buffered).value(); }

Result<Response> Client::trySend(const Request& request) const { return drive(_core, request, Body::Buffered); }

Response Client::open(const Request& request) const { return drive(_core, request, Body::OnTheWire).value(); }

void Client::sendAsync(Request request, std::function<void(Result<Response>)> callback) const
{
    if (!callback) throw InvalidRequest("sendAsync was given no callback", "Pass a function that takes the Result<Response>.");
    _core->counters.calls.fetch_add(1, std::memory_order_relaxed);
    pipeline::Dispatcher& dispatcher = _core->dispatcher();
    request._client.reset(); // the call holds the client
    const auto call = std::make_shared<CallImpl>(_core, std::move(request), dispatcher);
    call->onDone([raw = call.get(), callback = std::move(callback)](Outcome& outcome) {
        callback(pipeline::answer(*raw, outcome, Body::Buffered));
    });
    dispatcher.start(call);
}

Quota Client::quota() const
{
    const std::string version = _core->currentVersion();
    Quota quota;
    _core->account->update([&](QuotaState& state, TimePoint now) {
        static const LimitState untouched;
        quota = {};
        for (const RateLimitPolicyPtr& policy : _core->options.limits) {
            const auto known = state.limits.find(policy->id());
            const LimitState& limit = known == state.limits.end() ? untouched : known->second;
            quota.limits.push_back({policy->describe(), policy->capacity(limit), policy->remaining(limit, now),
                                    policy->decide(limit, now, 1, 0), limit.contradicted});
        }
        quota.gate = limits::gateStands(state.gate, now);
        const limits::GateAnswer answer = limits::gateAsks(state.gate, version, now);
        if (answer.kind == limits::GateAnswer::Kind::Rejected) quota.gate = GateStanding::Rejected;
        if (quota.gate == GateStanding::Locked || quota.gate == GateStanding::Rejected)
            quota.lockedFor = answer.wait.value_or(Duration::max());
        quota.cause = quota.gate == GateStanding::Open ? std::string() : state.gate.cause;
    });
    quota.storeTrouble = _core->options.quotaStore->trouble();
    return quota;
}

std::vector<CredentialUse> Client::credentialUsage() const
{
    const std::string current = _core->currentVersion();
    const WallTime wallNow = _core->clock().wallNow();
    std::vector<CredentialUse> uses;
    _core->account->update([&](QuotaState& state, TimePoint now) {
        uses.clear();
        for (const auto& [name, version] : state.gate.versions) {
            CredentialUse use;
            use.fingerprint = name;
            use.lastFour = version.lastFour;
            use.verdict = static_cast<CredentialUse::Verdict>(version.verdict);
            use.uses = version.uses;
            if (version.lastUsed)
                use.lastUsed = wallNow - std::chrono::duration_cast<WallTime::duration>(now - *version.lastUsed);
            use.current = name == current;
            uses.push_back(std::move(use));
        }
    });
    std::sort(uses.begin(), uses.end(), [](const CredentialUse& a, const CredentialUse& b) { return a.lastUsed > b.lastUsed; });
    return uses;
}

void Client::reset() const
{
    _core->account->update([&](QuotaState& state, TimePoint) {
        limits::gateResets(state.gate);
        for (auto& [id, limit] : state.limits) {
            limit.contradicted = false;
            limit.shape = Shape::Burst;
            limit.shutUntil = {};
            limit.allowances.clear();
        }
        for (const RateLimitPolicyPtr& policy : _core->options.limits) policy->declare(state.limits[policy->id()]);
    });
    _core->account->wakeAll();
}

ClientStats Client::stats() const
{
    const auto& counters = _core->counters;
    ClientStats stats;
    stats.calls = counters.calls.load(std::memory_order_relaxed);
    stats.attempts = counters.attempts.load(std::memory_order_relaxed);
    stats.waits = counters.waits.load(std::memory_order_relaxed);
    stats.waited = Duration(counters.waited.load(std::memory_order_relaxed));
    stats.errors = counters.errors.load(std::memory_order_relaxed);
    stats.ignoredHints = counters.ignoredHints.load(std::memory_order_relaxed);
    return stats;
}

const Url& Client::baseUrl() const noexcept { return _core->base; }

const TransportPtr& Client::transport() const noexcept { return _core->options.transport; }

ClientBuilder& ClientBuilder::userAgent(std::string text)
{
    _options.userAgent = std::move(text);
    return *this;
}

ClientBuilder& ClientBuilder::auth(AuthStrategyPtr strategy)
{
    _options.auth = std::move(strategy);
    return *this;
}

ClientBuilder& ClientBuilder::transport(TransportPtr transport)
{
    _options.transport = std::move(transport);
    return *this;
}

ClientBuilder& ClientBuilder::quotaStore(QuotaStorePtr store)
{
    _options.quotaStore = std::move(store);
    return *this;
}

ClientBuilder& ClientBuilder::retry(RetryPolicy policy)
{
    _options.retry = policy;
    return *this;
}

ClientBuilder& ClientBuilder::queueLimit(std::size_t calls)
{
    _options.queueLimit = calls;
    return *this;
}

ClientBuilder& ClientBuilder::timeout(Duration duration)
{
    _options.timeout = duration;
    return *this;
}

ClientBuilder& ClientBuilder::header(std::string_view name, std::string_view value)
{
    _options.headers.set(name, value);
    return *this;
}

ClientBuilder& ClientBuilder::stage(std::shared_ptr<CallStage> stage)
{
    _options.callStages.push_back(std::move(stage));
    return *this;
}

ClientBuilder& ClientBuilder::stage(std::shared_ptr<AttemptStage> stage)
{
    _options.attemptStages.push_back(std::move(stage));
    return *this;
}

ClientBuilder& ClientBuilder::observer(ObserverPtr observer)
{
    _options.observer = std::move(observer);
    return *this;
}

ClientBuilder& ClientBuilder::review(Review review)
{
    _options.review = std::move(review);
    return *this;
}

ClientBuilder& ClientBuilder::followRedirects(unsigned most)
{
    _options.maxRedirects = most;
    return *this;
}

ClientBuilder& ClientBuilder::dangerouslyAllowCredentialsInClearText()
{
    _options.credentialsInClearText = true;
    return *this;
}

Client ClientBuilder::build() const { return Client(std::make_shared<const ClientCore>(_options)); }

} // namespace tollgate
