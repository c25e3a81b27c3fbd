#include "tollgate/schemes/BasicSiteAuth.h"

#include "ForkMutex.h"
#include "SchemeSupport.h"
#include "tollgate/Error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <mutex>
#include <utility>

namespace tollgate {

std::string base64(std::string_view bytes)
{
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0'); // EVP_EncodeBlock ends its output with a NUL and never wraps
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

namespace {

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

class BasicCredential final : public Credential
{
public:
    BasicCredential(Secret user, Secret password, Secret site)
        : _user(std::move(user))
        , _password(std::move(password))
        , _site(std::move(site))
    {
        std::string pair;
        pair.reserve(_user.expose().size() + 1 + _password.expose().size()); // growing would leave pieces behind
        pair.append(_user.expose()).append(":").append(_password.expose());
        std::string encoded = base64(pair);
        std::string line = "Basic " + encoded;
        _encoded = Secret(encoded);
        _header = Secret(line);
        _fingerprint = Secret(pair).fingerprint();
        wipe(pair);
        wipe(encoded);
        wipe(line);
    }

    const std::string& fingerprint() const noexcept override { return _fingerprint; }

    void apply(Exchange& exchange) const override
    {
        exchange.headers.set("Authorization", _header.expose());
        if (!_site.empty() && !exchange.url.hasQuery("site_uuid")) exchange.url.addQuery("site_uuid", _site.expose());
    }

    /// Of an API key; a person's password shows nothing.
    std::string lastFour() const override { return _site.empty() ? std::string() : std::string(_password.lastFour()); }
    bool overlaps() const override { return true; }

    std::vector<Secret> secrets() const override
    {
        std::vector<Secret> all{_password, _encoded};
        // An API key is hidden whatever it is called; a person's user name is not a secret and may be any word.
        if (!_site.empty()) all.insert(all.end(), {_user, _site});
        return all;
    }

    bool isMadeOf(const Secret& user, const Secret& password, const Secret& site) const
    {
        return user == _user && password == _password && site == _site;
    }

private:
    Secret _user, _password, _site;
    Secret _encoded, _header;
    std::string _fingerprint;
};

/// RFC 7617 section 2: no control characters anywhere, no colon in the user name.
void checkText(const Secret& secret, const std::string& what)
{
    for (const char c : secret.expose())
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            schemes::refuseCredential(what + " holds a control character or line break",
                                      "Perhaps a line break was copied along.");
    if (secret.expose().find("{{") != std::string_view::npos)
        schemes::refuseCredential(what + " holds {{: a place holder from sample code that was never filled in",
                                  "Nothing was sent.");
}

void checkUser(const Secret& user, const std::string& what)
{
    if (user.empty())
        schemes::refuseCredential(what + " is empty", "Nothing was sent. Give the user name or the publishable key.");
    if (user.expose().find(':') != std::string_view::npos)
        schemes::refuseCredential(what + " holds a ':'",
                                  "RFC 7617 section 2 ends the user name at the first colon, so the server would take "
                                  "the rest for the password. Perhaps user and password were given in one.");
}

class BasicAuth final : public AuthStrategy
{
public:
    /// How strict to be: an API key never holds white space, a person's password may.
    enum class Kind
    {
        Password,
        Keys
    };

    BasicAuth(CredentialSourcePtr user, CredentialSourcePtr password, CredentialSourcePtr site, Kind kind)
        : _user(std::move(user))
        , _password(std::move(password))
        , _site(std::move(site))
        , _kind(kind)
    {
        if (!_user || !_password)
            throw ConfigurationError("Basic authentication was given no credential source", "Pass user and password.");
    }

    Identity identity() const override
    {
        Identity identity = schemes::identityOf(*_user);
        if (_site) identity.partition = _site->current();
        return identity;
    }

    Carriers carriers() const override
    {
        Carriers carriers{{"Authorization"}, {}};
        if (_site) carriers.queryParameters.emplace_back("site_uuid");
        return carriers;
    }

    Acquired acquire(const AuthContext&) override { return newest(); }

    CredentialPtr newest()
    {
        const Secret user = _user->current();
        const Secret password = _password->current();
        const Secret site = _site ? _site->current() : Secret();
        {
            const std::lock_guard<ForkMutex> lock(_mutex);
            if (_credential && _credential->isMadeOf(user, password, site)) return _credential;
        }
        check(user, password, site); // outside the lock: the sources may be the user's own
        auto made = std::make_shared<const BasicCredential>(user, password, site);
        const std::lock_guard<ForkMutex> lock(_mutex);
        if (!_credential || !_credential->isMadeOf(user, password, site)) _credential = std::move(made); // or another was quicker
        return _credential;
    }

    bool onChallenge(const ResponseHead&, const Credential& credential) override
    {
        return newest().get() != &credential; // a corrected site cures a 401 too
    }

private:
    void check(const Secret& user, const Secret& password, const Secret& site) const
    {
        const std::string userName = schemes::named("the user name", *_user);
        const std::string passwordName = schemes::named(_kind == Kind::Keys ? "the secret key" : "the password", *_password);
        checkUser(user, userName);
        if (_kind == Kind::Keys) {
            schemes::checkCredential(user, userName);
            schemes::checkCredential(password, passwordName);
        } else {
            checkText(user, userName);
            checkText(password, passwordName);
        }
        if (!_site) return;
        schemes::checkCredential(site, schemes::named("the site UUID", *_site));
        if (site == password || site == user)
            schemes::refuseCredential(
                schemes::named("the site UUID", *_site) + " is the same text as one of the keys",
                "The site UUID names the site; the keys are two other texts. All three stand under Settings, API Keys.");
    }

    CredentialSourcePtr _user, _password, _site;
    Kind _kind;
    ForkMutex _mutex;
    std::shared_ptr<const BasicCredential> _credential;
};

} // namespace

AuthStrategyPtr basic(CredentialSourcePtr user, CredentialSourcePtr password)
{
    return std::make_shared<BasicAuth>(std::move(user), std::move(password), nullptr, BasicAuth::Kind::Password);
}

AuthStrategyPtr basic(std::string user, CredentialSourcePtr password)
{
    auto name = callbackSource("user " + user, [secret = Secret(user)] { return secret; });
    return basic(std::move(name), std::move(password));
}

AuthStrategyPtr basic(std::string user, Secret password) { return basic(std::move(user), fixedSource(std::move(password))); }

AuthStrategyPtr basicWithSite(CredentialSourcePtr publishableKey, CredentialSourcePtr secretKey, CredentialSourcePtr siteUuid)
{
    if (!siteUuid)
        throw ConfigurationError("basicWithSite was given no site UUID", "Pass environmentSource(\"BENTO_SITE_UUID\").");
    return std::make_shared<BasicAuth>(std::move(publishableKey), std::move(secretKey), std::move(siteUuid),
                                       BasicAuth::Kind::Keys);
}

AuthStrategyPtr basicWithSite(Secret publishableKey, Secret secretKey, Secret siteUuid)
{
    return basicWithSite(fixedSource(std::move(publishableKey)), fixedSource(std::move(secretKey)),
                         fixedSource(std::move(siteUuid)));
}

} // namespace tollgate
