#pragma once

#include "tollgate/Client.h"
#include "tollgate/CredentialSource.h"
#include "tollgate/providers/Provider.h"

#include <string>

namespace tollgate::providers {

/// What the constructors of all providers do.

/// The variable's value, or an empty string.
std::string environment(const std::string& name);

/// An environment variable that must be there. Throws MissingCredential naming it, with `where` as the hint: where to find the
/// value.
CredentialSourcePtr demandedVariable(const std::string& name, const std::string& where);

/// Throws ConfigurationError if the credential was left out.
void demand(const CredentialSourcePtr& source, const std::string& name, const std::string& where);

/// Throws ConfigurationError without a user agent; `why` says what happens to requests without one.
void demandUserAgent(const ProviderOptions& options, const std::string& provider, const std::string& why);

/// A builder with all that the options say; the provider adds credential, limits and base URL.
ClientBuilder clientFor(const ProviderOptions& options, const std::string& defaultBaseUrl, Review review);

} // namespace tollgate::providers
