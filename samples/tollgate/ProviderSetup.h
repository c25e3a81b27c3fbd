#pragma once

#include "tollgate/Client.h"
#include "tollgate/providers/Bento.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::command {

/// What an environment variable of a provider holds.
enum class Role
{
    PublishableKey,
    SecretKey,
    SiteUuid,
    BentooKey,
    Token,
    BaseUrl
};

struct SetupVariable
{
    const char* name;
    Role role;
    bool required;
};

/// All that the doctor knows of one provider.
struct ProviderSetup
{
    std::string name; ///< as on the command line
    std::string title;
    std::vector<SetupVariable> variables;
    std::string where; ///< where to find the values
    std::string support;
    std::string defaultBaseUrl; ///< empty: there is none
    std::string basePath;       ///< what the path of a base URL must begin with; empty: anything
    bool needsUserAgent = true;
    std::vector<std::string> probes; ///< paths of the cheapest authenticated GETs, asked one after the other while all is well
    std::string unauthorized;        ///< what a 401 can mean here
    std::string forbidden;           ///< what a 403 can mean here
    /// The provider's client from the environment, with these options. Throws as its constructor does.
    std::function<Client(const ProviderOptions&)> client;
};

/// bento, bentoo, bando, chatbot.
const std::vector<ProviderSetup>& providerSetups();
/// Null if there is none of that name.
const ProviderSetup* findProvider(std::string_view name) noexcept;

/// The variable's value, or nothing; empty counts as set.
std::optional<std::string> variableValue(const char* name);

} // namespace tollgate::command
