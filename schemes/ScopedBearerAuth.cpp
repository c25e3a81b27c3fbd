#include "tollgate/schemes/ScopedBearerAuth.h"

#include "SchemeSupport.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <utility>

namespace tollgate {

namespace {

class ScopedBearerAuth final : public AuthStrategy
{
public:
    ScopedBearerAuth(CredentialSourcePtr token, Scopes scopes) : _tokens(std::move(token), {}), _scopes(std::move(scopes)) {}
    Identity identity() const override { return _tokens.identity(); }
    Carriers carriers() const override { return {{"Authorization"}, {}}; }
    bool onChallenge(const ResponseHead&, const Credential& credential) override { return _tokens.hasFresherThan(credential); }

    Acquired acquire(const AuthContext& context) override
    {
        checkScopes(context.request.needs());
        return _tokens.newest();
    }

private:
    bool granted(const std::string& scope) const
    {
        return std::find(_scopes.granted.begin(), _scopes.granted.end(), scope) != _scopes.granted.end();
    }

    void checkScopes(const std::vector<std::string>& needs) const
    {
        if (needs.empty() || (!_scopes.everything.empty() && granted(_scopes.everything))) return;
        ErrorDetails details;
        std::string list;
        for (const std::string& scope : needs) {
            if (granted(scope)) continue;
            details.missingScopes.push_back(scope);
            list += (list.empty() ? "" : ", ") + scope;
        }
        if (details.missingScopes.empty()) return;
        details.message = "the call needs a scope that this credential was not granted: " + list;
        details.hint =
            "Nothing was sent. Use a key that has the scope, or declare it if the key has it and this program was not told.";
        throw MissingScope(std::move(details));
    }

    schemes::BearerTokens _tokens;
    Scopes _scopes;
};

} // namespace

AuthStrategyPtr scopedBearer(CredentialSourcePtr token, Scopes scopes)
{
    return std::make_shared<ScopedBearerAuth>(std::move(token), std::move(scopes));
}

AuthStrategyPtr scopedBearer(Secret token, Scopes scopes)
{
    return scopedBearer(fixedSource(std::move(token)), std::move(scopes));
}

} // namespace tollgate
