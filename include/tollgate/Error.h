#pragma once

#include "tollgate/Attempt.h"
#include "tollgate/Export.h"

#include <Poco/Exception.h>

#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <vector>

namespace tollgate {

class Response;
class Error;
using ErrorPtr = std::shared_ptr<const Error>;

/// Everything an error knows. No field ever holds a secret, but for the response, which is what the server sent.
struct TOLLGATE_API ErrorDetails
{
    std::string message;                      ///< what happened, one sentence
    std::string hint;                         ///< what to do about it, in plain words
    std::string support;                      ///< who can help: the provider's own support route
    Delivery delivery = Delivery::NotSent;    ///< the worst over all attempts
    std::string cause;                        ///< what lies behind it: for LockedOut, the evidence
    std::optional<Duration> retryIn;          ///< earliest time it can succeed, from now
    std::optional<WallTime> notBefore;        ///< the same on the calendar
    std::vector<std::string> missingScopes;   ///< for MissingScope
    bool staleConnection = false;             ///< a reused connection died before any byte of the response
    std::string requestId;                    ///< the server's id of the request, fit for a log
    std::vector<Attempt> attempts;            ///< what was tried
    std::shared_ptr<const Response> response; ///< the answer, if there was one
};

/// The root of all errors of this library, and a Poco::Exception: an old catch (Poco::Exception&) still catches.
///
///     Error
///     ├── ConfigurationError      the set-up is wrong; nothing was sent
///     │   ├── MissingCredential       a variable, file or prompt gave none
///     │   └── InvalidCredential       it cannot be a real credential
///     ├── InvalidRequest          the request cannot be sent as it is; nothing was sent
///     │   ├── InvalidUrl              malformed, or with userinfo
///     │   └── InsecureTransport       a credential over plain http
///     ├── MissingScope            the credential lacks a scope; nothing was sent
///     ├── RateLimited             the local limit, or a 429
///     ├── StoreUnavailable        the shared quota store is out of reach and was told to refuse then; nothing was sent
///     ├── LockedOut               the account is locked for a while, or an answer just said so
///     ├── CredentialRejected      401, or nothing was sent because this credential got one before
///     ├── Cancelled               on the caller's wish
///     ├── TransportError          no complete answer
///     │   ├── Timeout                 a deadline passed
///     │   ├── NameResolutionError     the host name has no address
///     │   ├── ConnectError            nobody listens there, or no way to it
///     │   ├── TlsError                the peer could not prove who it is; the request was not sent
///     │   ├── ConnectionLost          closed, reset or cut off
///     │   ├── ProtocolError           the answer breaks the rules of HTTP
///     │   └── ResponseTooLarge        a cap was passed
///     └── HttpError               the server answered with an error
///         ├── BadRequest              400, 422
///         ├── PermissionDenied        403
///         ├── NotFound                404, 410
///         ├── ServerError             5xx
///         ├── Blocked                 stopped in front of the API: an HTML page or BLOCKED
///         └── UnexpectedContent       not the content that was due, such as HTML for JSON
///
/// what() and displayText() are the full text with the hint. Copies share the details. Immutable, thread-safe.
class TOLLGATE_API Error : public Poco::Exception
{
public:
    static constexpr const char* typeName = "Error";
    explicit Error(ErrorDetails details);
    explicit Error(const std::string& message, const std::string& hint = {});
    ~Error() noexcept override;

    /// The type's own name, such as "RateLimited".
    const char* name() const noexcept override { return typeName; }
    const char* className() const noexcept override { return typeid(*this).name(); }
    /// "<message> <hint> <support>", redacted; displayText() puts the type's name before it.
    const char* what() const noexcept override;
    Poco::Exception* clone() const override { return new Error(*this); }
    void rethrow() const override { throw *this; }

    const std::string& hint() const noexcept { return details().hint; }
    const std::string& support() const noexcept { return details().support; }
    Delivery delivery() const noexcept { return details().delivery; }
    const std::string& requestId() const noexcept { return details().requestId; }
    const std::vector<Attempt>& attempts() const noexcept { return details().attempts; }
    /// The server's answer, or null.
    const Response* response() const noexcept { return details().response.get(); }
    /// The answer's status, or 0.
    int status() const noexcept;
    const ErrorDetails& details() const noexcept;

    /// The same type of error with other details.
    virtual ErrorPtr with(ErrorDetails details) const;

private:
    struct Content;
    std::shared_ptr<const Content> _content;
};

/// Gives a leaf its name, clone(), rethrow() and with(), so that none of them slices.
template <class Leaf, class Base>
class ErrorLeaf : public Base
{
public:
    using Base::Base;
    const char* name() const noexcept override { return Leaf::typeName; }
    Poco::Exception* clone() const override { return new Leaf(static_cast<const Leaf&>(*this)); }
    void rethrow() const override { throw Leaf(static_cast<const Leaf&>(*this)); }
    ErrorPtr with(ErrorDetails details) const override { return std::make_shared<Leaf>(std::move(details)); }
};

/// Declares a leaf without members of its own.
#define TOLLGATE_ERROR(Leaf, Base)                                                                                               \
    class TOLLGATE_API Leaf : public ErrorLeaf<Leaf, Base>                                                                       \
    {                                                                                                                            \
    public:                                                                                                                      \
        static constexpr const char* typeName = #Leaf;                                                                           \
        using ErrorLeaf<Leaf, Base>::ErrorLeaf;                                                                                  \
    }

TOLLGATE_ERROR(ConfigurationError, Error);
TOLLGATE_ERROR(MissingCredential, ConfigurationError);
TOLLGATE_ERROR(InvalidCredential, ConfigurationError);

TOLLGATE_ERROR(InvalidRequest, Error);
TOLLGATE_ERROR(InvalidUrl, InvalidRequest);
TOLLGATE_ERROR(InsecureTransport, InvalidRequest);

class TOLLGATE_API MissingScope : public ErrorLeaf<MissingScope, Error>
{
public:
    static constexpr const char* typeName = "MissingScope";
    using ErrorLeaf<MissingScope, Error>::ErrorLeaf;
    /// The scopes that the call needs and the credential was not granted.
    const std::vector<std::string>& missing() const noexcept { return details().missingScopes; }
};

class TOLLGATE_API RateLimited : public ErrorLeaf<RateLimited, Error>
{
public:
    static constexpr const char* typeName = "RateLimited";
    using ErrorLeaf<RateLimited, Error>::ErrorLeaf;
    /// When a call can succeed at the earliest.
    WallTime notBefore() const noexcept { return details().notBefore.value_or(WallTime{}); }
    /// The same from when the error was made.
    Duration retryIn() const noexcept { return details().retryIn.value_or(Duration{}); }
};

class TOLLGATE_API LockedOut : public ErrorLeaf<LockedOut, Error>
{
public:
    static constexpr const char* typeName = "LockedOut";
    using ErrorLeaf<LockedOut, Error>::ErrorLeaf;
    /// When the lock is thought to end; one probe goes out then.
    WallTime until() const noexcept { return details().notBefore.value_or(WallTime{}); }
    /// What led to it.
    const std::string& cause() const noexcept { return details().cause; }
};

class TOLLGATE_API CredentialRejected : public ErrorLeaf<CredentialRejected, Error>
{
public:
    static constexpr const char* typeName = "CredentialRejected";
    using ErrorLeaf<CredentialRejected, Error>::ErrorLeaf;
    /// When this same credential may be tried once more; nothing if never (strict) or not known.
    std::optional<WallTime> nextTry() const noexcept { return details().notBefore; }
};

TOLLGATE_ERROR(StoreUnavailable, Error);

TOLLGATE_ERROR(Cancelled, Error);

TOLLGATE_ERROR(TransportError, Error);
TOLLGATE_ERROR(Timeout, TransportError);
TOLLGATE_ERROR(NameResolutionError, TransportError);
TOLLGATE_ERROR(ConnectError, TransportError);
TOLLGATE_ERROR(TlsError, TransportError);
TOLLGATE_ERROR(ConnectionLost, TransportError);
TOLLGATE_ERROR(ProtocolError, TransportError);
TOLLGATE_ERROR(ResponseTooLarge, TransportError);

TOLLGATE_ERROR(HttpError, Error);
TOLLGATE_ERROR(BadRequest, HttpError);
TOLLGATE_ERROR(PermissionDenied, HttpError);
TOLLGATE_ERROR(NotFound, HttpError);
TOLLGATE_ERROR(ServerError, HttpError);
TOLLGATE_ERROR(Blocked, HttpError);
TOLLGATE_ERROR(UnexpectedContent, HttpError);

#undef TOLLGATE_ERROR

} // namespace tollgate
