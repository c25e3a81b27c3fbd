#pragma once

#include "tollgate/AuthStrategy.h"
#include "tollgate/CredentialSource.h"

#include <string>

namespace tollgate {

/// HTTP Basic authentication (RFC 7617), with UTF-8 and without line breaks in the Base64. Throws InvalidCredential, when used,
/// for a user with ':' or control characters and for credentials that cannot be real.
TOLLGATE_API AuthStrategyPtr basic(std::string user, CredentialSourcePtr password);
TOLLGATE_API AuthStrategyPtr basic(std::string user, Secret password);
TOLLGATE_API AuthStrategyPtr basic(CredentialSourcePtr user, CredentialSourcePtr password);

/// Basic plus the query parameter site_uuid on every request (Bento). The site is the partition: a wrong site_uuid does not
/// condemn the keys for other sites. Both keys and the site are kept out of every log.
TOLLGATE_API AuthStrategyPtr basicWithSite(CredentialSourcePtr publishableKey, CredentialSourcePtr secretKey,
                                           CredentialSourcePtr siteUuid);
TOLLGATE_API AuthStrategyPtr basicWithSite(Secret publishableKey, Secret secretKey, Secret siteUuid);

/// Base64 (RFC 4648 section 4) in one line.
TOLLGATE_API std::string base64(std::string_view bytes);

} // namespace tollgate
