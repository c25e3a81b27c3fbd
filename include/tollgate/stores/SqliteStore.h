#pragma once

#include "tollgate/QuotaStore.h"
#include "tollgate/stores/StoreOptions.h"

#include <chrono>
#include <string>
#include <vector>

namespace tollgate {

/// How a SQLite store is opened.
struct TOLLGATE_API SqliteStoreOptions : StoreOptions
{
    std::chrono::milliseconds busyTimeout{2'000}; ///< how long to wait for another process's transaction, which takes
                                                  ///< microseconds; a call waits to its deadline at most
};

/// Shares limits and lockouts between the processes of one machine, and keeps them over restarts: a SQLite file in WAL mode, made
/// with mode 0600 if it is not there (its folder with 0700), one transaction a change. Link tollgate::sqlite. Throws
/// ConfigurationError, saying why, if the file is not a store, cannot be opened or is of a newer version; what fails later is
/// dealt with as StoreOptions::failure says.
TOLLGATE_API QuotaStorePtr sqliteStore(const std::string& path, SqliteStoreOptions options = {});

/// The accounts that such a file knows, sorted by realm and principal; none if there is no such file, and it is not made then.
/// Throws ConfigurationError as sqliteStore() does.
TOLLGATE_API std::vector<QuotaKey> sqliteAccounts(const std::string& path);

} // namespace tollgate
