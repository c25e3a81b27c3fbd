#include "Failure.h"

#include "tollgate/Response.h"

#include <fmt/format.h>

namespace tollgate::command {

namespace {

template <class Leaf>
bool is(const Error& error)
{
    return dynamic_cast<const Leaf*>(&error) != nullptr;
}

ExitStatus statusOf(const Error& error)
{
    if (is<UsageError>(error)) return ExitStatus::Usage;
    // This status promises that nothing was sent. A redirect to an impossible place comes after something was.
    if (is<InvalidRequest>(error) && error.delivery() == Delivery::Answered) return ExitStatus::Transport;
    if (is<ConfigurationError>(error) || is<InvalidRequest>(error) || is<MissingScope>(error)) return ExitStatus::Configuration;
    if (is<StoreUnavailable>(error) && error.delivery() == Delivery::NotSent) return ExitStatus::Configuration;
    if (is<RateLimited>(error)) return ExitStatus::RateLimited;
    if (is<LockedOut>(error) || is<CredentialRejected>(error)) return ExitStatus::Rejected;
    if (is<Cancelled>(error)) return ExitStatus::Interrupted;
    if (is<Timeout>(error)) return ExitStatus::Timeout;
    if (is<TlsError>(error)) return ExitStatus::Tls;
    if (is<TransportError>(error)) return ExitStatus::Transport;
    if (is<Blocked>(error) || is<UnexpectedContent>(error)) return ExitStatus::Content;
    if (error.status() >= 500) return ExitStatus::ServerError;
    if (error.status() >= 400) return ExitStatus::ClientError;
    return ExitStatus::Problem;
}

// Scripts may rely on a hint: what an error leaves open is filled in by the way the command ends.
const char* hintFor(ExitStatus status)
{
    switch (status) {
    case ExitStatus::Usage: return "Run the command with --help to see what it takes.";
    case ExitStatus::Configuration: return "Correct the set-up or the request; nothing was sent.";
    case ExitStatus::ClientError: return "The server's answer says what it did not like about the request.";
    case ExitStatus::ServerError: return "The fault is the server's; try again later.";
    case ExitStatus::RateLimited: return "Wait before the next request, and send fewer of them.";
    case ExitStatus::Rejected: return "Check the credential, or wait until the lock ends.";
    case ExitStatus::Timeout: return "Allow more time with --deadline, or try again later.";
    case ExitStatus::Tls: return "Check the host name; name a private authority with --ca-file.";
    case ExitStatus::Interrupted:
    case ExitStatus::Terminated: return "It was cancelled from outside; start it again when you like.";
    default: return "Try again; if it stays, report it with this text.";
    }
}

} // namespace

Failure::Failure(const Error& error) : _type(error.name()), _details(error.details()), _exitStatus(statusOf(error))
{
    if (is<StoreUnavailable>(error)) _details.hint = "Bring the store back, or count for this run alone with --store none.";
    if (_details.hint.empty()) _details.hint = hintFor(_exitStatus);
    // It may be the store that remembers it, from another run.
    if (_exitStatus == ExitStatus::Rejected && _details.delivery == Delivery::NotSent)
        _details.hint +=
            " If it was put right on the server's side: tollgate quota --reset, with the same --store, forgets what was seen.";
}

Failure::Failure(const std::exception& error) : _type("InternalError"), _exitStatus(ExitStatus::Problem)
{
    _details.message = fmt::format("Something failed that should not: {}", error.what());
    _details.hint = hintFor(_exitStatus);
}

std::string Failure::text() const
{
    std::string text = fmt::format("tollgate: {}: {}\n  hint: {}\n", _type, _details.message, _details.hint);
    if (!_details.support.empty()) text += fmt::format("  support: {}\n", _details.support);
    return text;
}

Poco::JSON::Object::Ptr Failure::json() const
{
    Poco::JSON::Object::Ptr object = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
    object->set("type", _type);
    object->set("message", _details.message);
    object->set("delivery", std::string(toString(_details.delivery)));
    object->set("hint", _details.hint);
    object->set("support", _details.support);
    return object;
}

} // namespace tollgate::command
