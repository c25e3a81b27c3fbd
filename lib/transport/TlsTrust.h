#pragma once

#include "tollgate/Tls.h"

#include <string>

struct ssl_ctx_st;

namespace tollgate::transport {

/// Loads the certificates to trust: those of caFile, else of SSL_CERT_FILE and SSL_CERT_DIR, else of the system's bundle. Answers
/// where they were found. Throws ConfigurationError with the list of places tried if there are none.
std::string loadTrust(ssl_ctx_st* context, const TlsOptions& options);

} // namespace tollgate::transport
