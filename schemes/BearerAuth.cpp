#include "tollgate/schemes/BearerAuth.h"

#include "SchemeSupport.h"

#include <utility>

namespace tollgate {

namespace {

class BearerAuth final : public AuthStrategy
{
public:
    BearerAuth(CredentialSourcePtr token, KeyShape shape) : _tokens(std::move(token), std::move(shape)) {}
    Identity identity() const override { return _tokens.identity(); }
    Carriers carriers() const override { return {{"Authorization"}, {}}; }
    bool onChallenge(const ResponseHead&, const Credential& credential) override { return _tokens.hasFresherThan(credential); }
    Acquired acquire(const AuthContext&) override { return _tokens.newest(); }

private:
    schemes::BearerTokens _tokens;
};

} // namespace

AuthStrategyPtr bearer(CredentialSourcePtr token, KeyShape shape)
{
    return std::make_shared<BearerAuth>(std::move(token), std::move(shape));
}

AuthStrategyPtr bearer(Secret token, KeyShape shape) { return bearer(fixedSource(std::move(token)), std::move(shape)); }

} // namespace tollgate
