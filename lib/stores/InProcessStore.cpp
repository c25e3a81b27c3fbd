#include "ForkMutex.h"
#include "stores/Forgetting.h"
#include "tollgate/Error.h"
#include "tollgate/QuotaStore.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace tollgate {

namespace {

class InProcessStore final : public QuotaStore
{
public:
    explicit InProcessStore(std::shared_ptr<Clock> clock) : _clock(std::move(clock)) {}

    void update(const QuotaKey& key, const Change& change, const Patience& /*nobody waits here*/) override
    {
        const std::shared_ptr<Account> account = find(key);
        const std::lock_guard<ForkMutex> lock(account->mutex);
        // The clock is read under the lock: a time taken before it may be older than what the state holds by now.
        const TimePoint now = _clock->now();
        if (account->generation != forkGeneration) comeFromFork(*account, now);
        change(account->state, now);
    }

    Secret namingKey(const Patience& /*patience*/) override { return _namingKey; }

private:
    struct Account
    {
        ForkMutex mutex;
        QuotaState state;
        unsigned generation = forkGeneration;
    };

    /// In a forked child: what the parent had in flight comes back to the parent. It counts as sent, and nobody waits for it.
    static void comeFromFork(Account& account, TimePoint now)
    {
        account.generation = forkGeneration;
        for (auto& limit : account.state.limits)
            for (LimitState::Flight& flight : limit.second.inFlight) flight.lapse = std::min(flight.lapse, now);
        account.state.gate.inFlight.clear();
        account.state.gate.probe = 0;
        for (auto& version : account.state.gate.versions) version.second.canary = 0;
    }

    std::shared_ptr<Account> find(const QuotaKey& key)
    {
        const std::lock_guard<ForkMutex> lock(_mutex);
        const auto known = _accounts.find(key.text());
        if (known != _accounts.end()) return known->second;
        if (_accounts.size() >= _sweepAt) sweep();
        return _accounts[key.text()] = std::make_shared<Account>();
    }

    /// Forgets the accounts that hold nothing worth knowing. Runs each time they have doubled, so it costs little for each.
    void sweep()
    {
        const TimePoint now = _clock->now();
        for (auto at = _accounts.begin(); at != _accounts.end();) {
            const bool inUse = at->second.use_count() > 1; // only find() hands them out, and it holds the lock now
            at = !inUse && !stores::worthKeeping(at->second->state, now) ? _accounts.erase(at) : std::next(at);
        }
        _sweepAt = std::max<std::size_t>(1024, 2 * _accounts.size());
    }

    static Secret randomKey()
    {
        std::array<char, 32> bytes{};
        const ForkSection inside;
        if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1)
            throw ConfigurationError("the system gives no random numbers", "OpenSSL's RAND_bytes failed; check /dev/urandom.");
        Secret key(std::string_view(bytes.data(), bytes.size()));
        OPENSSL_cleanse(bytes.data(), bytes.size());
        return key;
    }

    std::shared_ptr<Clock> _clock;
    Secret _namingKey = randomKey();
    ForkMutex _mutex;
    std::unordered_map<std::string, std::shared_ptr<Account>> _accounts;
    std::size_t _sweepAt = 1024;
};

} // namespace

QuotaStorePtr QuotaStore::inProcess(std::shared_ptr<Clock> clock) { return std::make_shared<InProcessStore>(std::move(clock)); }

} // namespace tollgate
