#pragma once

#include "tollgate/AuthStrategy.h"
#include "tollgate/CredentialSource.h"

#include <string>

namespace tollgate {

/// What a key of this API always looks like; checked before anything is sent.
struct TOLLGATE_API KeyShape
{
    std::string prefix; ///< "btoo_"; empty: any
    std::string name;   ///< "Bentoo key", for the message
};

/// Authorization: Bearer (RFC 6750 section 2.1). Throws InvalidCredential, when used, for a token that cannot be real: empty,
/// white space, characters outside RFC 6750's b64token, an unfilled place holder, the wrong prefix.
TOLLGATE_API AuthStrategyPtr bearer(CredentialSourcePtr token, KeyShape shape = {});
TOLLGATE_API AuthStrategyPtr bearer(Secret token, KeyShape shape = {});

} // namespace tollgate
