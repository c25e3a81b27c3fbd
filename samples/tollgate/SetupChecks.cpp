#include "SetupChecks.h"

#include "tollgate/Error.h"
#include "tollgate/Headers.h"
#include "tollgate/Secret.h"
#include "tollgate/Url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace tollgate::command {

namespace {

struct Advice
{
    std::string what, why, fix;
};
using MaybeAdvice = std::optional<Advice>;

bool startsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool isUuid(std::string_view text)
{
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : std::string_view("0123456789abcdefABCDEF").find(text[i]) == std::string_view::npos)
            return false;
    }
    return true;
}

bool isSamplePlaceHolder(std::string_view text)
{
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return startsWith(lower, "your_") || startsWith(lower, "your-") || lower.find("xxxxxxxx") != std::string::npos ||
           lower == "bando_api_token" || lower == "publishable_key" || lower == "secret_key" || lower == "token";
}

// Mistakes that every kind of credential can have.
MaybeAdvice commonMistake(std::string_view value)
{
    for (const std::string_view word : {"Bearer ", "Basic ", "Authorization:"})
        if (equalsIgnoreCase(value.substr(0, word.size()), word))
            return Advice{fmt::format("begins with the word \"{}\"", word.substr(0, word.size() - 1)),
                          "The word belongs to the Authorization header, which is made for you; the key is what follows.",
                          "Leave the word out and keep the key alone."};
    if (const std::string reason = whyNotACredential(value); !reason.empty())
        return Advice{fmt::format("cannot be a real credential: {}", reason),
                      "It was not copied exactly. Sent like that it would be refused, and at some providers lead to a lockout.",
                      "Copy the whole key again, without blanks, line breaks or quotation marks."};
    if (isSamplePlaceHolder(value))
        return Advice{"is a place holder from a sample, not a key", "Nobody filled in the real value.",
                      "Put the real value there."};
    return std::nullopt;
}

Advice ofOtherService(std::string_view theirs, std::string_view shape)
{
    return {fmt::format("looks like a key of {}", theirs),
            fmt::format("Keys that begin with {} belong to {}, another company.", shape, theirs),
            "Use the key of this service, and mind which variable it goes to."};
}

MaybeAdvice roleMistake(Role role, std::string_view value)
{
    switch (role) {
    case Role::PublishableKey:
    case Role::SecretKey:
        if (startsWith(value, "btoo_")) return ofOtherService("Bentoo", "btoo_");
        if (startsWith(value, role == Role::PublishableKey ? "sk_" : "pk_"))
            return Advice{
                fmt::format("holds the {} key", role == Role::PublishableKey ? "secret" : "publishable"),
                "The publishable key (pk_...) is the user name, the secret key (sk_...) the password: they are swapped.",
                "Exchange BENTO_PUBLISHABLE_KEY and BENTO_SECRET_KEY."};
        if (isUuid(value))
            return Advice{"looks like a site UUID", "The site UUID names the site and has a variable of its own.",
                          "Put the key there, and the UUID into BENTO_SITE_UUID."};
        if (value.find(':') != std::string_view::npos)
            return Advice{"holds a ':'", "It seems to be both keys at once; they are joined for you.",
                          "Put each key into its own variable."};
        return std::nullopt;
    case Role::SiteUuid:
        if (isUuid(value)) return std::nullopt;
        if (startsWith(value, "pk_") || startsWith(value, "sk_"))
            return Advice{"holds a key", "The site UUID names the site; it is not one of the two keys.",
                          "Copy the Site UUID, which stands below the keys."};
        return Advice{"is not a UUID",
                      "A site UUID has the form 8-4-4-4-12 hexadecimal digits. With another one every request gets 401.",
                      "Copy the Site UUID again, whole."};
    case Role::BentooKey:
        if (startsWith(value, "btoo_")) return std::nullopt;
        if (startsWith(value, "pk_") || startsWith(value, "sk_")) return ofOtherService("Bento", "pk_ or sk_");
        return Advice{"does not begin with btoo_", "Every Bentoo key does; a part is missing, or it is a key of something else.",
                      "Copy the whole key, from btoo_ to its end."};
    case Role::Token:
        if (startsWith(value, "btoo_")) return ofOtherService("Bentoo", "btoo_");
        return std::nullopt;
    case Role::BaseUrl: break;
    }
    return std::nullopt;
}

bool isLoopback(const std::string& host) { return host == "localhost" || host == "::1" || startsWith(host, "127."); }

MaybeAdvice baseUrlMistake(const ProviderSetup& setup, const std::string& text)
{
    Url url;
    try {
        url = Url(text);
    } catch (const Error& error) {
        return Advice{error.details().message,
                      "Without a usable address nothing can be sent. Credentials in an address end up in logs and histories.",
                      error.hint()};
    }
    const Origin& origin = url.origin();
    const auto& host = origin.host;
    if (host.find("yourdomain.com") != std::string::npos || host == "example.com" || startsWith(host, "example."))
        return Advice{fmt::format("{} is a place holder", host), "It stands in the documentation for the real address.",
                      setup.defaultBaseUrl.empty() ? "Ask the platform's support for your organisation's address."
                                                   : "Leave the variable out: the right address is known."};
    if (!origin.isTls() && !isLoopback(host))
        return Advice{"it is http, not https", "Everybody on the way could read the credential; it is never sent like that.",
                      "Write https:// instead of http://."};
    if (!setup.basePath.empty() && !startsWith(url.path(), setup.basePath))
        return Advice{fmt::format("its path does not begin with {}", setup.basePath),
                      "The API lives below that path; elsewhere it is not found.",
                      fmt::format("Set it to {}, or leave it out.", setup.defaultBaseUrl)};
    return std::nullopt;
}

MaybeAdvice userAgentMistake(const std::string& text)
{
    static constexpr std::array<const char*, 9> ofTools{"curl/", "wget/",          "python", "mozilla/", "libwww-perl",
                                                        "java/", "go-http-client", "okhttp", "axios"};
    const Advice odd{"",
                     "Cloudflare stands in front of the API and stops requests without a User-Agent, or with one that looks odd: "
                     "they end in an HTML page or the word BLOCKED.",
                     "Name your program and its version: --user-agent AcmeCRM/1.0, and userAgent(\"AcmeCRM/1.0\") in your code."};
    const auto advise = [&](const char* what) { return Advice{what, odd.why, odd.fix}; };
    if (text.find_first_not_of(" \t") == std::string::npos) return advise("the User-Agent is empty");
    for (const char* tool : ofTools)
        if (equalsIgnoreCase(std::string_view(text).substr(0, std::string_view(tool).size()), tool))
            return advise("the User-Agent is that of a common tool, not of your program");
    if (text.size() < 3 ||
        std::none_of(text.begin(), text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }))
        return advise("the User-Agent does not look like the name of a program");
    return std::nullopt;
}

} // namespace

DoctorFindings checkSetup(const ProviderSetup& setup, const std::string& userAgent)
{
    DoctorFindings findings;
    const auto report = [&](const char* check, std::string prefix, const MaybeAdvice& advice, const std::string& fine) {
        if (advice)
            findings.push_back({setup.name, check, false, prefix + advice->what, advice->why, advice->fix, setup.support});
        else if (!fine.empty())
            findings.push_back({setup.name, check, true, fine, {}, {}, {}});
    };

    std::map<Role, std::string> values;
    for (const SetupVariable& variable : setup.variables) {
        const auto value = variableValue(variable.name);
        if (value && !(value->empty() && variable.required))
            values[variable.role] = *value;
        else if (variable.required)
            report("variables", {},
                   Advice{fmt::format("{} is {}", variable.name, value ? "empty" : "not set"),
                          variable.role == Role::SiteUuid ? "Every request needs the site_uuid; without it the answer is 401."
                                                          : "Without it nothing can be asked.",
                          fmt::format("export {}=... {}", variable.name, setup.where)},
                   {});
    }
    if (findings.empty())
        report("variables", {}, {},
               values.empty() ? "none is set; calls are anonymous, with fewer requests an hour" : "all that are needed are set");

    const std::size_t before = findings.size();
    bool anyCredential = false;
    for (const SetupVariable& variable : setup.variables) {
        const auto value = values.find(variable.role);
        if (variable.role == Role::BaseUrl || value == values.end()) continue;
        anyCredential = true;
        auto advice = commonMistake(value->second);
        if (!advice) advice = roleMistake(variable.role, value->second);
        report("credential", fmt::format("{} ", variable.name), advice, {});
    }
    if (values.count(Role::PublishableKey) > 0 && values.count(Role::SecretKey) > 0 &&
        values[Role::PublishableKey] == values[Role::SecretKey])
        report("credential", {},
               Advice{"BENTO_PUBLISHABLE_KEY and BENTO_SECRET_KEY hold the same value", "They are two different keys.",
                      "Copy each of them again."},
               {});
    if (anyCredential && findings.size() == before) report("credential", {}, {}, "nothing odd about the form of what is set");

    const auto base = values.find(Role::BaseUrl);
    const bool given = base != values.end() && !base->second.empty();
    if (given || !setup.defaultBaseUrl.empty())
        report("base-url", given ? "" : setup.defaultBaseUrl, given ? baseUrlMistake(setup, base->second) : std::nullopt,
               given ? "the base URL of the environment is used" : setup.defaultBaseUrl);
    if (setup.needsUserAgent || userAgent.empty())
        report("user-agent", {}, userAgentMistake(userAgent), fmt::format("\"{}\"", userAgent));
    return findings;
}

} // namespace tollgate::command
