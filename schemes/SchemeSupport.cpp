#include "SchemeSupport.h"

#include "tollgate/Error.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <mutex>
#include <utility>

namespace tollgate::schemes {

void refuseCredential(const std::string& message, const std::string& hint)
{
    ErrorDetails details;
    details.message = message;
    details.hint = hint;
    throw InvalidCredential(std::move(details));
}

void checkCredential(const Secret& secret, const std::string& what)
{
    const std::string reason = whyNotACredential(secret.expose());
    if (!reason.empty())
        refuseCredential(
            what + " cannot be a real credential: " + reason,
            "Nothing was sent, so no failed login was counted. Copy the whole key again from the provider's dashboard.");
}

std::string named(const char* what, const CredentialSource& source)
{
    const std::string slot = source.slot();
    return slot.empty() ? std::string(what) : fmt::format("{} ({})", what, slot);
}

Identity identityOf(CredentialSource& source)
{
    Identity identity;
    identity.principal = source.slot();
    if (identity.principal.empty()) identity.unnamed = source.current();
    return identity;
}

namespace {

class BearerToken final : public Credential
{
public:
    explicit BearerToken(const Secret& token) : _token(token), _header(header(token)) {}

    const std::string& fingerprint() const noexcept override { return _token.fingerprint(); }
    void apply(Exchange& exchange) const override { exchange.headers.set("Authorization", _header.expose()); }
    std::vector<Secret> secrets() const override { return {_token}; }
    std::string lastFour() const override { return std::string(_token.lastFour()); }
    bool overlaps() const override { return true; }

private:
    static Secret header(const Secret& token)
    {
        std::string text = "Bearer ";
        text.reserve(text.size() + token.expose().size());
        text += token.expose();
        Secret line(text);
        OPENSSL_cleanse(text.data(), text.size());
        return line;
    }
    Secret _token;
    Secret _header;
};

/// RFC 6750 section 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
bool isB64Token(std::string_view text)
{
    while (!text.empty() && text.back() == '=') text.remove_suffix(1);
    if (text.empty()) return false;
    for (const char c : text) {
        const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                          c == '_' || c == '~' || c == '+' || c == '/';
        if (!good) return false;
    }
    return true;
}

} // namespace

BearerTokens::BearerTokens(CredentialSourcePtr source, KeyShape shape) : _source(std::move(source)), _shape(std::move(shape))
{
    if (!_source) throw ConfigurationError("a bearer scheme was given no credential source", "Pass environmentSource(\"NAME\").");
}

CredentialPtr BearerTokens::newest()
{
    Secret secret = _source->current();
    {
        const std::lock_guard<ForkMutex> lock(_mutex);
        if (_credential && secret == _secret) return _credential;
    }
    // Outside the lock: the source may be the user's own.
    const std::string what = named(_shape.name.empty() ? "the bearer token" : ("the " + _shape.name).c_str(), *_source);
    checkCredential(secret, what);
    const std::string_view text = secret.expose();
    if (text.substr(0, 7) == "Bearer ")
        refuseCredential(what + " begins with the word Bearer", "Give the token alone: the scheme is added.");
    if (!isB64Token(text))
        refuseCredential(what + " holds a character that no bearer token has (RFC 6750 section 2.1)",
                         "Copy the whole key again, and nothing else.");
    if (text.substr(0, _shape.prefix.size()) != _shape.prefix)
        refuseCredential(
            what + " does not begin with " + _shape.prefix + ", as every such key does",
            "Nothing was sent. Check that it is the key of this provider and was copied from its first character on.");
    auto made = std::make_shared<BearerToken>(secret);
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (_credential && secret == _secret) return _credential; // another thread was quicker
    _credential = std::move(made);
    _secret = std::move(secret);
    return _credential;
}

} // namespace tollgate::schemes
