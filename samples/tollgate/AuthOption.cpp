#include "AuthOption.h"

#include "Prompt.h"

#include "tollgate/CredentialSource.h"
#include "tollgate/schemes/AnonymousAuth.h"
#include "tollgate/schemes/BasicSiteAuth.h"
#include "tollgate/schemes/BearerAuth.h"

#include <array>
#include <filesystem>
#include <system_error>

namespace tollgate::command {

namespace {

struct Known
{
    std::string_view name;
    AuthOption::Scheme scheme;
    std::vector<const char*> labels; // of the secrets, for prompts
};

const std::vector<Known>& knownSchemes()
{
    static const std::vector<Known> known{
        {"bearer", AuthOption::Scheme::Bearer, {"Token"}},
        {"basic", AuthOption::Scheme::Basic, {"User", "Password"}},
        {"basic-site", AuthOption::Scheme::BasicSite, {"Publishable key", "Secret key", "Site UUID"}},
    };
    return known;
}

constexpr const char* forms =
    "The forms are bearer:env:NAME, basic:env:USER:env:PASS, basic-site:env:PK:env:SK:env:SITE (file:PATH or "
    "prompt may stand for env:NAME) and anonymous.";

[[noreturn]] void refuseLiteral()
{
    throw UsageError("--auth: a secret must not stand on the command line: others can see it in the process list, and the shell "
                     "keeps it in its history",
                     std::string("Put it into an environment variable and name that, as in --auth bearer:env:NAME, or use "
                                 "bearer:file:PATH or bearer:prompt. ") +
                         forms);
}

bool startsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// Takes the first place off the text. A path may hold colons: it ends where the next place begins.
SecretPlace takePlace(std::string_view& text, bool last)
{
    if (text == "prompt" || startsWith(text, "prompt:")) {
        text.remove_prefix(text.size() > 6 ? 7 : 6);
        return {SecretPlace::Kind::Prompt, {}};
    }
    const bool file = startsWith(text, "file:");
    if (!file && !startsWith(text, "env:")) refuseLiteral();
    text.remove_prefix(file ? 5 : 4);
    std::size_t end = text.size();
    if (!last)
        for (const std::string_view next : {":env:", ":file:", ":prompt"})
            if (const auto at = text.find(next); at < end) end = at;
    SecretPlace place{file ? SecretPlace::Kind::File : SecretPlace::Kind::Environment, std::string(text.substr(0, end))};
    text.remove_prefix(end < text.size() ? end + 1 : end);
    const bool usable =
        file ? !place.name.empty()
             : !place.name.empty() && place.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                                   "0123456789_") == std::string::npos;
    if (!usable) throw UsageError("--auth: env: needs the name of a variable, file: a path", forms);
    return place;
}

// The file names the account, so one file should have one name from wherever the command is run.
std::string absolutePath(const std::string& path)
{
    std::error_code unknown;
    const auto absolute = std::filesystem::absolute(path, unknown);
    return unknown ? path : absolute.lexically_normal().string();
}

} // namespace

AuthOption AuthOption::parse(std::string_view text)
{
    AuthOption option;
    if (text.empty() || text == "anonymous") return option;
    for (const Known& known : knownSchemes()) {
        if (!startsWith(text, known.name) || text.substr(known.name.size(), 1) != ":") continue;
        option.scheme = known.scheme;
        text.remove_prefix(known.name.size() + 1);
        for (std::size_t i = 0; i < known.labels.size(); ++i) {
            if (text.empty()) throw UsageError("--auth: a part is missing", forms);
            option.places.push_back(takePlace(text, i + 1 == known.labels.size()));
        }
        if (!text.empty()) throw UsageError("--auth: there is more than the scheme takes", forms);
        return option;
    }
    throw UsageError("--auth: unknown scheme", forms);
}

AuthStrategyPtr AuthOption::strategy(const Control& control) const
{
    if (scheme == Scheme::Anonymous) return anonymous();
    std::vector<CredentialSourcePtr> sources;
    for (const Known& known : knownSchemes()) {
        if (known.scheme != scheme) continue;
        for (std::size_t i = 0; i < places.size(); ++i) {
            switch (places[i].kind) {
            case SecretPlace::Kind::Environment: sources.push_back(environmentSource(places[i].name)); break;
            case SecretPlace::Kind::File: sources.push_back(fileSource(absolutePath(places[i].name))); break;
            case SecretPlace::Kind::Prompt: sources.push_back(fixedSource(promptSecret(known.labels[i], control))); break;
            }
        }
    }
    if (scheme == Scheme::Bearer) return bearer(sources.at(0));
    if (scheme == Scheme::Basic) return basic(sources.at(0), sources.at(1));
    return basicWithSite(sources.at(0), sources.at(1), sources.at(2));
}

} // namespace tollgate::command
