#pragma once

#include "tollgate/AuthStrategy.h"
#include "tollgate/CredentialSource.h"

#include <string>
#include <vector>

namespace tollgate {

/// Bearer with the scopes the token was granted. A request that needs() another one is refused with MissingScope; nothing is
/// sent.
struct TOLLGATE_API Scopes
{
    std::vector<std::string> granted; ///< compared exactly
    std::string everything = {};      ///< a scope that includes all others, such as "admin"; empty: none does
};

TOLLGATE_API AuthStrategyPtr scopedBearer(CredentialSourcePtr token, Scopes scopes);
TOLLGATE_API AuthStrategyPtr scopedBearer(Secret token, Scopes scopes);

} // namespace tollgate
