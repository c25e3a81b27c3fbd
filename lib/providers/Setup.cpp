#include "providers/Setup.h"

#include "tollgate/Error.h"

#include <Poco/Environment.h>
#include <fmt/format.h>

#include <utility>

namespace tollgate::providers {

std::string environment(const std::string& name) { return Poco::Environment::get(name, {}); }

CredentialSourcePtr demandedVariable(const std::string& name, const std::string& where)
{
    try {
        return environmentSource(name);
    } catch (const MissingCredential& missing) {
        ErrorDetails details = missing.details();
        details.hint = fmt::format("Set {}. {}", name, where);
        throw MissingCredential(std::move(details));
    }
}

void demand(const CredentialSourcePtr& source, const std::string& name, const std::string& where)
{
    if (!source) throw ConfigurationError(fmt::format("The options have no {}.", name), where);
}

void demandUserAgent(const ProviderOptions& options, const std::string& provider, const std::string& why)
{
    if (options.userAgent.find_first_not_of(' ') != std::string::npos) return;
    throw ConfigurationError(fmt::format("{} needs a user agent.", provider),
                             fmt::format("{} Name your program and its version, such as \"AcmeCRM/1.0\".", why));
}

ClientBuilder clientFor(const ProviderOptions& options, const std::string& defaultBaseUrl, Review review)
{
    ClientBuilder builder = Client::to(options.baseUrl.empty() ? defaultBaseUrl : options.baseUrl);
    builder.header("Accept", "application/json").retry(options.retry).timeout(options.timeout).review(std::move(review));
    if (!options.userAgent.empty()) builder.userAgent(options.userAgent);
    if (options.transport) builder.transport(options.transport);
    if (options.quotaStore) builder.quotaStore(options.quotaStore);
    if (options.observer) builder.observer(options.observer);
    return builder;
}

} // namespace tollgate::providers
