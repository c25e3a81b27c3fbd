#pragma once

#include "tollgate/Body.h"
#include "tollgate/Cancellation.h"
#include "tollgate/Clock.h"
#include "tollgate/Headers.h"
#include "tollgate/Response.h"
#include "tollgate/Result.h"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

class ClientCore;
namespace pipeline {
class Redirect;
}

/// Whether a call may be sent again after an attempt that the server may have acted on.
enum class Repeat
{
    ByMethod, ///< GET, HEAD, OPTIONS, TRACE, PUT, DELETE: yes; others only with an Idempotency-Key (RFC 9110 section 9.2.2)
    Safe,     ///< yes: the caller knows that twice is as good as once
    Never     ///< no, whatever the method: twice would undo or double it
};

/// Who goes first when calls wait for a permit of the same limits. Within one priority it is first come first served; a higher
/// one always goes before a lower one, which waits as long as there is any.
enum class Priority : std::uint8_t
{
    High,
    Normal,
    Low
};

/// A request as a value: copy it, keep it, send it often. Made by Client::get() and its siblings, it knows its client and can be
/// sent; made by Request(method, target), it is passed to Client::send(). Not synchronised; sending a const request is
/// thread-safe.
///
/// Nothing is checked before it is sent: then a bad URL, a control character or userinfo becomes an InvalidRequest.
class TOLLGATE_API Request
{
public:
    Request(std::string method, std::string_view target);

    /// Adds a query parameter, percent-encoded.
    Request& query(std::string_view name, std::string_view value);
    /// Sets a header field, replacing the client's default of that name.
    Request& header(std::string_view name, std::string_view value);
    /// A JSON body: Content-Type application/json.
    Request& json(std::string text);
    /// Any body in memory.
    Request& body(std::string text, std::string_view contentType);
    /// A body that is produced while it is sent.
    Request& body(RequestBodyPtr body, std::string_view contentType);

    /// How long the whole call may take, from send() to the last byte of the body: waits, retries and back-off included. The
    /// shorter of timeout and deadline counts; without either, the client's timeout.
    Request& timeout(Duration duration);
    /// Until when the whole call must be done, on the transport's clock.
    Request& deadline(TimePoint at);
    /// Who may cancel the call.
    Request& cancellation(CancellationToken token);

    /// Scopes the call needs. A ScopedBearerAuth without one of them refuses the call with MissingScope; nothing is sent.
    Request& needs(std::initializer_list<std::string_view> scopes);
    /// Whether it may be sent twice; default ByMethod.
    Request& repeat(Repeat repeat);
    /// Sets Idempotency-Key: the same for all attempts, so a POST may be repeated where the server honours it.
    Request& idempotencyKey(std::string_view key);
    /// How much of the limits it uses; default 1.
    Request& weight(unsigned units);
    /// Its place in the line for a permit; default Normal.
    Request& priority(Priority priority);

    /// Sends it and waits for the complete answer. Throws an Error of the tree for everything else than 2xx and 3xx.
    Response send() const;
    /// The same without throwing.
    Result<Response> trySend() const;
    /// The same without waiting: `callback` runs on a worker thread of the client, once. It must not throw.
    void sendAsync(std::function<void(Result<Response>)> callback) const;
    /// Sends it and answers at the head: the body is read by the caller, under the same deadline.
    Response open() const;

    const std::string& method() const noexcept { return _method; }
    /// Path and query below the client's base URL, or an absolute URL.
    const std::string& target() const noexcept { return _target; }
    const Headers& headers() const noexcept { return _headers; }
    const RequestBodyPtr& body() const noexcept { return _body; }
    std::optional<Duration> timeout() const noexcept { return _timeout; }
    TimePoint deadline() const noexcept { return _deadline; }
    const CancellationToken& cancellation() const noexcept { return _cancellation; }
    const std::vector<std::string>& needs() const noexcept { return _needs; }
    Repeat repeat() const noexcept { return _repeat; }
    unsigned weight() const noexcept { return _weight; }
    Priority priority() const noexcept { return _priority; }

private:
    friend class Client;
    friend class pipeline::Redirect; // a hop is the same request to another place
    std::string _method;
    std::string _target;
    Headers _headers;
    RequestBodyPtr _body;
    std::optional<Duration> _timeout;
    TimePoint _deadline = never;
    CancellationToken _cancellation;
    std::vector<std::string> _needs;
    Repeat _repeat = Repeat::ByMethod;
    unsigned _weight = 1;
    Priority _priority = Priority::Normal;
    std::shared_ptr<const ClientCore> _client;
};

} // namespace tollgate
