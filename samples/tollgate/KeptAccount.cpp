#include "KeptAccount.h"

#include "LimitOption.h"

#include "tollgate/Client.h"

#include <algorithm>

namespace tollgate::command {

namespace {

/// Stands for an account without its credential.
class NamedAccount final : public AuthStrategy
{
public:
    explicit NamedAccount(const QuotaKey& key) : _realm(key.realm()), _principal(key.principal()) {}
    Identity identity() const override { return {_realm, _principal, {}, {}}; }
    Carriers carriers() const override { return {}; }
    Acquired acquire(const AuthContext&) override
    {
        throw MissingCredential("an account that is only looked at has no credential", "");
    }

private:
    std::string _realm;
    std::string _principal;
};

Client clientFor(const QuotaStorePtr& store, const QuotaKey& key, const std::vector<RateLimitPolicyPtr>& limits)
{
    ClientBuilder builder = Client::to("https://localhost"); // nothing is sent
    builder.auth(std::make_shared<NamedAccount>(key)).quotaStore(store);
    for (const RateLimitPolicyPtr& limit : limits) builder.limit(limit);
    return builder.build();
}

} // namespace

KeptAccount KeptAccount::read(const QuotaStorePtr& store, const QuotaKey& key)
{
    KeptAccount account;
    account.realm = key.realm();
    account.principal = key.principal();
    std::vector<RateLimitPolicyPtr> limits;
    store->update(key, [&](QuotaState& state, TimePoint now) {
        limits.clear();
        account.nextTries.clear();
        account.shutFor = Duration::zero();
        for (const auto& [id, limit] : state.limits) {
            if (RateLimitPolicyPtr policy = limitOfId(id, limit.capacity))
                limits.push_back(std::move(policy));
            else
                account.shutFor = std::max<Duration>(account.shutFor, limit.shutUntil - now);
        }
        for (const auto& [name, version] : state.gate.versions)
            if (version.verdict == VersionState::Verdict::Bad)
                account.nextTries[name] = std::max<Duration>(version.nextTry - now, Duration::zero());
    });
    const Client client = clientFor(store, key, limits);
    account.quota = client.quota();
    account.credentials = client.credentialUsage();
    return account;
}

void KeptAccount::reset(const QuotaStorePtr& store, const QuotaKey& key)
{
    clientFor(store, key, {}).reset();
    store->update(key, [](QuotaState& state, TimePoint) {
        for (auto& [id, limit] : state.limits) limit.capacity = limit.serverCapacity = 0; // the next run declares them anew
    });
}

} // namespace tollgate::command
