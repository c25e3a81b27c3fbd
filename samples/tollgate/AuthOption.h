#pragma once

#include "Control.h"

#include "tollgate/AuthStrategy.h"

#include <string>
#include <string_view>
#include <vector>

namespace tollgate::command {

/// Where one secret comes from: never from the command line itself, which every user of the machine can read in the process list.
struct SecretPlace
{
    enum class Kind
    {
        Environment,
        File,
        Prompt
    };
    Kind kind = Kind::Environment;
    std::string name; ///< the variable's name or the file's path
};

/// --auth, read but not yet resolved.
struct AuthOption
{
    enum class Scheme
    {
        Anonymous,
        Bearer,
        Basic,
        BasicSite
    };
    Scheme scheme = Scheme::Anonymous;
    std::vector<SecretPlace> places; ///< as many as the scheme needs

    /// Reads "bearer:env:NAME", "basic:env:USER:env:PASS", "basic-site:env:PK:env:SK:env:SITE", the same with file:PATH and
    /// prompt, or "anonymous". Throws UsageError, never repeating the text: it may be a secret.
    static AuthOption parse(std::string_view text);

    /// Reads the secrets (and asks for those to be typed). Throws MissingCredential.
    AuthStrategyPtr strategy(const Control& control) const;
};

} // namespace tollgate::command
