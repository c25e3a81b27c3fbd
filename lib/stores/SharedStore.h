#pragma once

#include "ForkGuard.h"
#include "ForkMutex.h"
#include "stores/Backend.h"
#include "stores/Circuit.h"
#include "stores/Island.h"
#include "stores/StateCodec.h"
#include "stores/Turn.h"
#include "tollgate/QuotaStore.h"
#include "tollgate/stores/StoreOptions.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tollgate::stores {

/// A store whose documents lie in a Backend, shared by several processes: all that SQLite and Redis have in common. It remembers
/// each account as it was last seen; while the backend fails it goes on from there as StoreOptions::failure says, and brings home
/// what it counted once the backend answers again. Thread-safe: one operation at a time.
class TOLLGATE_API SharedStore final : public QuotaStore, private ForkAware
{
public:
    /// `pause`: so long the backend is left in peace after three failures in a row.
    SharedStore(std::unique_ptr<Backend> backend, const StoreOptions& options, Duration pause);
    ~SharedStore() override;

    void update(const QuotaKey& key, const Change& change, const Patience& patience) override;
    Secret namingKey(const Patience& patience) override;
    std::string trouble() const override;

private:
    /// An account as this process last saw it.
    struct Account
    {
        bool seen = false;
        std::uint64_t epoch = 0;
        std::string body;                ///< as the store has it
        std::optional<QuotaState> state; ///< the same, decoded; none while a change is under way
        TimePoint seenAt{};              ///< by the store's clock...
        TimePoint seenAtOurs{};          ///< ...and by ours
        ObservedHolds holds;
        std::optional<Island> island;
        /// After an outage, or a loss of what the store knew, others may not have brought home yet what they counted: the share
        /// counts on until all of them were seen after this moment...
        TimePoint carefulSince{};
        TimePoint carefulUntil{}; ///< ...or until this one
        bool member = false;      ///< we are listed in it
    };

    /// A document as it was read, and what was made of it.
    struct Visit;

    void throughBackend(Account& account, const QuotaKey& key, const Change& change, transport::Watch& watch);
    void onIsland(Account& account, const Change& change);
    void read(Visit& visit, Account& account, std::string_view bytes);
    void bringHome(Visit& visit, Account& account) const;
    bool careful(const Visit& visit) const;
    Edited write(Visit& visit) const;
    Edited written(Visit& visit) const;
    void signIn(QuotaState& state, TimePoint now) const;
    void signOut(const QuotaKey& key, transport::Watch& watch);

    QuotaState lastSeen(Account& account) const;
    /// The store's time as we can tell it without asking.
    TimePoint ownTime(const Account& account) const;
    unsigned processes(const QuotaState& state) const;
    unsigned shareOf(const QuotaState& state) const;
    void forgetIdleAccounts();

    void confirmNamingKey(transport::Watch& watch);
    void gaveUp(TimePoint began);
    void failed(const std::string& why);
    void recovered();
    void say(std::string trouble, TimePoint until);

    void beforeFork() noexcept override;
    void afterFork(bool inChild) noexcept override;

    const std::unique_ptr<Backend> _backend;
    const StoreFailure _failure;
    const unsigned _declaredProcesses;
    const std::shared_ptr<Clock> _clock;
    const std::string _domain;

    Turn _turn;       ///< guards all but the trouble; deadlines and cancellation reach those who wait for it
    ForkMutex _mutex; ///< held by whoever has the turn, so that a fork waits for the backend's work
    Circuit _circuit;
    TimePoint _failedAt{}; ///< by our clock
    static constexpr std::size_t fewAccounts = 1'024;
    std::unordered_map<std::string, Account> _accounts;
    std::size_t _crowded = fewAccounts; ///< from so many on, idle ones are forgotten
    std::string _member;                ///< names this process
    unsigned _mostProcesses = 1;
    Secret _namingKey;
    bool _confirmNamingKey = false; ///< the store was emptied: it must be told again

    mutable ForkMutex _troubleMutex;
    std::string _trouble;
    TimePoint _troubleUntil{};
};

} // namespace tollgate::stores
