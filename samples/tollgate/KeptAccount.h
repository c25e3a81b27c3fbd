#pragma once

#include "tollgate/Quota.h"
#include "tollgate/QuotaStore.h"

#include <map>
#include <string>
#include <vector>

namespace tollgate::command {

/// What a store keeps of one account, for people.
struct KeptAccount
{
    std::string realm;
    std::string principal; ///< "environment variable EXAMPLE_KEY", "anonymous"
    Quota quota;
    std::vector<CredentialUse> credentials;
    std::map<std::string, Duration> nextTries; ///< of rejected credentials, by fingerprint: until one request may go
    Duration shutFor{};                        ///< what the server asked for where no limit is declared

    /// Throws StoreUnavailable.
    static KeptAccount read(const QuotaStorePtr& store, const QuotaKey& key);

    /// Forgets the lock, the verdicts, the step-downs and the declared limits of the account; what was counted stays.
    static void reset(const QuotaStorePtr& store, const QuotaKey& key);
};

} // namespace tollgate::command
