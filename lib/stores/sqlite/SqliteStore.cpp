#include "tollgate/stores/SqliteStore.h"

#include "ForkGuard.h"
#include "stores/SharedStore.h"
#include "stores/sqlite/SqliteBackend.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace tollgate {

namespace {

/// A disk that fails may work again at any time, and asking costs little.
constexpr Duration pauseAfterFailures = std::chrono::seconds(1);

[[noreturn]] void refuse(const stores::SqliteProblem& problem)
{
    std::string message = problem.what();
    if (message.compare(0, 4, "the ") == 0) message.front() = 'T';
    if (message.compare(0, 3, "no ") == 0) message.front() = 'N';
    throw ConfigurationError(message + '.', problem.hint());
}

} // namespace

QuotaStorePtr sqliteStore(const std::string& path, SqliteStoreOptions options)
{
    if (!options.clock) options.clock = Clock::system();
    options.busyTimeout =
        std::clamp<std::chrono::milliseconds>(options.busyTimeout, std::chrono::milliseconds::zero(), std::chrono::hours(24));
    try {
        const ForkPause pause;
        auto backend = std::make_unique<stores::SqliteBackend>(path, options.busyTimeout, options.clock);
        return std::make_shared<stores::SharedStore>(std::move(backend), options, pauseAfterFailures);
    } catch (const stores::SqliteProblem& problem) {
        refuse(problem);
    }
}

std::vector<QuotaKey> sqliteAccounts(const std::string& path)
{
    std::vector<QuotaKey> accounts;
    try {
        const ForkPause pause;
        const stores::SqliteFile file(path);
        if (!file.exists()) return accounts;
        transport::Watch watch(never, {});
        stores::SqliteConnection database(file, SqliteStoreOptions{}.busyTimeout, watch);
        for (const std::string& key : database.keys()) {
            const std::size_t split = key.find('\n');
            if (split != std::string::npos) accounts.emplace_back(key.substr(0, split), key.substr(split + 1));
        }
    } catch (const stores::SqliteProblem& problem) {
        refuse(problem);
    } catch (const Poco::Exception& problem) {
        throw ConfigurationError("The quota store " + path + " cannot be read: " + stores::inPlainWords(problem) + '.',
                                 "Move the file away if it is damaged: a new one is made then.");
    }
    return accounts;
}

} // namespace tollgate
