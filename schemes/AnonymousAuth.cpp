#include "tollgate/schemes/AnonymousAuth.h"

#include <utility>

namespace tollgate {

namespace {

class NoCredential final : public Credential
{
public:
    const std::string& fingerprint() const noexcept override
    {
        static const std::string none;
        return none;
    }
    void apply(Exchange&) const override {}
    std::vector<Secret> secrets() const override { return {}; }
};

class AnonymousAuth final : public AuthStrategy
{
public:
    explicit AnonymousAuth(std::string account) : _account(std::move(account)), _none(std::make_shared<NoCredential>()) {}
    Identity identity() const override { return {{}, _account, {}, {}}; }
    Carriers carriers() const override { return {}; }
    Acquired acquire(const AuthContext&) override { return _none; }

private:
    std::string _account;
    CredentialPtr _none;
};

} // namespace

AuthStrategyPtr anonymous(std::string account) { return std::make_shared<AnonymousAuth>(std::move(account)); }

} // namespace tollgate
