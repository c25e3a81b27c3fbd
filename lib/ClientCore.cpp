#include "ClientCore.h"

#include "SharedBy.h"
#include "limits/Gate.h"
#include "limits/Naming.h"
#include "pipeline/Guard.h"
#include "tollgate/Error.h"
#include "tollgate/Version.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

namespace tollgate {

namespace {

/// Limits with one id share one count, so a second one would count every request twice.
std::vector<RateLimitPolicyPtr> strictestOfEach(const std::vector<RateLimitPolicyPtr>& limits)
{
    std::vector<RateLimitPolicyPtr> kept;
    for (const RateLimitPolicyPtr& limit : limits) {
        if (!limit)
            throw ConfigurationError("a client was given an empty limit", "Leave it out, or pass perMinute(n), perHour(n).");
        const auto same = std::find_if(kept.begin(), kept.end(), [&](const auto& other) { return other->id() == limit->id(); });
        if (same == kept.end()) {
            kept.push_back(limit);
            continue;
        }
        LimitState one, other;
        limit->declare(one);
        (*same)->declare(other);
        if (one.shape != other.shape)
            throw ConfigurationError("two limits for the same window and path have different shapes: " + limit->describe(),
                                     "Give one of them.");
        if (limit->capacity({}) < (*same)->capacity({})) *same = limit;
    }
    return kept;
}

/// Two clients that declare different limits for one account get the stricter one, and are told.
void declareLimits(const ClientCore& core)
{
    std::string notice;
    core.account->update([&](QuotaState& state, TimePoint) {
        notice.clear();
        for (const RateLimitPolicyPtr& policy : core.options.limits) {
            LimitState& limit = state.limits[policy->id()];
            const unsigned before = limit.capacity;
            policy->declare(limit);
            if (before == 0 || (before == limit.capacity && limit.capacity == policy->capacity({}))) continue;
            notice = fmt::format(
                "this account is used with different limits: {} and {} in the same window; the smaller one counts for all",
                policy->describe(), before);
        }
    });
    if (!notice.empty() && core.options.observer) core.options.observer->onNotice({notice});
}

} // namespace

ClientCore::ClientCore(ClientOptions given) : options(std::move(given)), base(options.baseUrl)
{
    if (!options.transport) options.transport = Transport::create();
    if (!options.auth) options.auth = anonymous();
    if (options.limits.size() > 64)
        throw ConfigurationError("a client has more than 64 limits", "Share them, or use several clients.");
    if (options.queueLimit == 0)
        throw ConfigurationError("a line for permits with room for 0 calls lets nothing wait",
                                 "Give it room, or leave the default.");
    const auto& clock = options.transport->clock();
    sharesStore = options.quotaStore != nullptr;
    if (!sharesStore)
        options.quotaStore = sharedBy<QuotaStore>(*options.transport, [&clock] { return QuotaStore::inProcess(clock); });

    if (options.userAgent.empty()) options.userAgent = std::string("tollgate/") + version();
    for (const auto& [name, value] : options.headers) pipeline::checkField(name, value);
    pipeline::checkField("User-Agent", options.userAgent);
    _defaultHeaders = options.headers;
    _defaultHeaders.set("User-Agent", options.userAgent);

    options.limits = strictestOfEach(options.limits);
    options.lockout = limits::sane(std::move(options.lockout));
    identity = options.auth->identity();
    if (identity.realm.empty()) identity.realm = base.origin().text();
    carriers = options.auth->carriers();
    accounts = sharedBy<limits::Accounts>(*options.transport, [] { return std::make_shared<limits::Accounts>(); });
    _dispatcher = sharedBy<pipeline::DispatcherOwner>(*options.transport,
                                                      [&clock] { return std::make_shared<pipeline::DispatcherOwner>(clock); });
    if (identity.principal.empty() && !identity.unnamed.empty())
        identity.principal = sharesStore ? limits::accountName(identity.realm, identity.unnamed) : identity.unnamed.fingerprint();
    account = accounts->find(options.quotaStore, QuotaKey(identity.realm, identity.principal));
    try {
        declareLimits(*this);
    } catch (const StoreUnavailable&) { // each call declares them again
    }
    pipeline = std::make_unique<const pipeline::Pipeline>(*this);
}

ClientCore::~ClientCore() = default;

Headers ClientCore::headersFor(const Request& request, bool atHome) const
{
    Headers headers;
    headers.reserve(_defaultHeaders.size() + request.headers().size() + 4, 1024); // room for what strategies and stages add
    for (const auto& [name, value] : _defaultHeaders)
        if (!request.headers().has(name) && (atHome || pipeline::isHarmless(name))) headers.add(name, value);
    for (const auto& [name, value] : request.headers()) headers.add(name, value);
    return headers;
}

std::shared_ptr<const ClientCore::Version> ClientCore::makeVersion(const CredentialPtr& credential, const Secret& namingKey) const
{
    if (!credential || credential->fingerprint().empty())
        return std::make_shared<const Version>(
            Version{Redactor(carriers, credential ? credential->secrets() : std::vector<Secret>{}), {}, {}});
    std::vector<Secret> secrets = credential->secrets();
    Redactor redactor(carriers, secrets);
    std::string name = credential->fingerprint();
    secrets.push_back(options.auth->identity().partition); // it may have changed too
    if (!sharesStore && !secrets.back().empty()) name += '/' + secrets.back().fingerprint();
    if (!namingKey.empty()) name = limits::nameInStore(namingKey, secrets);
    return std::make_shared<const Version>(
        Version{std::move(redactor), std::move(name), credential->lastFour(), !sharesStore || !namingKey.empty()});
}

std::shared_ptr<const ClientCore::Version> ClientCore::versionOf(const CredentialPtr& credential, const Patience& patience) const
{
    if (auto known = knownVersion(credential); known && known->final) return known;
    const bool asks = sharesStore && credential && !credential->fingerprint().empty();
    return keepVersion(credential, makeVersion(credential, asks ? options.quotaStore->namingKey(patience) : Secret()));
}

std::shared_ptr<const ClientCore::Version> ClientCore::knownVersion(const CredentialPtr& credential) const
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    for (const auto& [known, version] : _versions)
        if (known == credential) return version;
    return nullptr;
}

/// Made outside of the lock, as that asks the strategy, which is the user's own perhaps, and the store; so another thread may
/// have been quicker.
std::shared_ptr<const ClientCore::Version> ClientCore::keepVersion(const CredentialPtr& credential,
                                                                   std::shared_ptr<const Version> made) const
{
    constexpr std::size_t enough = 4;
    const std::lock_guard<ForkMutex> lock(_mutex);
    for (auto& [known, version] : _versions) {
        if (known != credential) continue;
        if (!version->final) version = std::move(made); // the store can name it now, perhaps
        return version;
    }
    _versions.emplace_front(credential, std::move(made));
    if (_versions.size() > enough) _versions.pop_back();
    return _versions.front().second;
}

std::string ClientCore::currentVersion() const
{
    try {
        const Acquired acquired = options.auth->acquire({Request("GET", ""), clock().now(), clock().wallNow()});
        if (const auto* credential = std::get_if<CredentialPtr>(&acquired)) return versionOf(*credential, {})->key;
    } catch (const Error&) { // no credential now
    }
    return {};
}

CredentialPtr ClientCore::versionBefore(const CredentialPtr& credential) const
{
    if (!credential || !credential->overlaps()) return nullptr;
    const std::lock_guard<ForkMutex> lock(_mutex);
    auto at =
        std::find_if(_versions.begin(), _versions.end(), [&credential](const auto& one) { return one.first == credential; });
    if (at == _versions.end()) return nullptr;
    for (++at; at != _versions.end(); ++at)
        if (at->first && at->first->overlaps()) return at->first;
    return nullptr;
}

std::shared_ptr<const Redactor> ClientCore::redactorFor(const CredentialPtr& credential) const
{
    auto version = knownVersion(credential);
    if (!version) version = keepVersion(credential, makeVersion(credential, {})); // secrets are hidden without a name
    return {version, &version->redactor};
}

std::string_view ClientCore::pathBelowBase(const Url& url) const noexcept
{
    std::string_view path = url.path();
    std::string_view prefix = base.path();
    if (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
    const bool below = path.substr(0, prefix.size()) == prefix && (path.size() == prefix.size() || path[prefix.size()] == '/');
    if (below) path.remove_prefix(prefix.size());
    return path;
}

std::shared_ptr<const ClientCore> ClientCore::bare() const
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (!_bare) {
        ClientOptions plain;
        plain.baseUrl = options.baseUrl;
        plain.userAgent = options.userAgent;
        plain.transport = options.transport;
        plain.retry = options.retry;
        plain.timeout = options.timeout;
        plain.observer = options.observer;
        plain.credentialsInClearText = options.credentialsInClearText;
        _bare = std::make_shared<const ClientCore>(std::move(plain));
    }
    return _bare;
}

std::string secondsText(Duration duration)
{
    const double seconds = std::chrono::duration<double>(duration).count();
    if (seconds >= 5400) return fmt::format("{:.1f} h", seconds / 3600);
    if (seconds >= 120) return fmt::format("{:.0f} min", seconds / 60);
    if (seconds >= 10) return fmt::format("{:.0f} s", seconds);
    return seconds >= 1 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.0f} ms", seconds * 1000);
}

Outcome bufferedOutcome(const Outcome& outcome)
{
    try {
        Response response = outcome.value();
        response.buffer();
        return response;
    } catch (const Error& error) {
        return ErrorPtr(static_cast<const Error*>(error.clone()));
    }
}

} // namespace tollgate
