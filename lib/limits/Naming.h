#pragma once

#include "tollgate/Secret.h"

#include <string>
#include <vector>

/// Names for secrets in shared stores, so that all processes that hold the same secret mean the same account and version.
namespace tollgate::limits {

/// 16 bytes of an HMAC-SHA-256 over the secrets under the store's own key, in hexadecimal.
std::string nameInStore(const Secret& storeKey, const std::vector<Secret>& secrets);

/// For an account that has no name but its secret: 16 bytes of PBKDF2 (RFC 8018 section 5.2) over it, salted with the realm. It
/// depends on no store, so that it is the same before the store can be reached for the first time.
std::string accountName(const std::string& realm, const Secret& secret);

} // namespace tollgate::limits
