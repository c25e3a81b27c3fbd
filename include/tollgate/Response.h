#pragma once

#include "tollgate/Attempt.h"
#include "tollgate/Body.h"
#include "tollgate/Headers.h"

#include <string>
#include <string_view>
#include <vector>

namespace Poco::Dynamic {
class Var;
}

namespace tollgate {

class Redactor;

/// Status line and fields of a response: all that the pipeline decides on.
struct TOLLGATE_API ResponseHead
{
    int status = 0;
    std::string reason;
    Headers headers;
    unsigned version = 11; ///< 10 or 11

    bool isSuccess() const noexcept { return status >= 200 && status < 300; }
};

/// An answer: its head, and its body either complete (after send()) or still on the wire (after open()). Movable, copyable;
/// copies share a body that is still on the wire. Not synchronised.
class TOLLGATE_API Response
{
public:
    Response() = default;
    Response(ResponseHead head, BodySourcePtr source) : _head(std::move(head)), _source(std::move(source)) {}
    Response(ResponseHead head, std::string body) : _head(std::move(head)), _body(std::move(body)) {}

    int status() const noexcept { return _head.status; }
    bool isSuccess() const noexcept { return _head.isSuccess(); }
    const ResponseHead& head() const noexcept { return _head; }
    ResponseHead& head() noexcept { return _head; }
    const Headers& headers() const noexcept { return _head.headers; }
    std::string_view header(std::string_view name) const noexcept { return _head.headers.get(name, {}); }

    /// The whole body, decoded (gzip, deflate). Empty after open(): use read().
    const std::string& body() const& noexcept { return _body; }
    std::string body() && noexcept { return std::move(_body); }

    /// The body as JSON. Include tollgate/Json.h to use it. Throws UnexpectedContent, showing the first 200 characters, redacted,
    /// if it is not JSON. Numbers pass through Poco::JSON: take money and ids as strings or integers.
    Poco::Dynamic::Var json() const;

    /// After open(): the next piece of the body; 0 is the end. Throws as BodySource::read() does.
    std::size_t read(char* buffer, std::size_t capacity);
    const BodySourcePtr& source() const noexcept { return _source; }

    /// Takes what is left on the wire into body(). Done by send() already.
    void buffer();

    /// Trailer fields, complete once the body is.
    const Headers& trailers() const noexcept { return _trailers; }

    /// The server's id for this request (X-Request-Id, Request-Id, X-Amzn-RequestId, CF-Ray), or an empty string.
    std::string requestId() const;

    /// What it took to get here, one entry an attempt, the last one successful.
    const std::vector<Attempt>& attempts() const noexcept { return _attempts; }
    std::vector<Attempt>& attempts() noexcept { return _attempts; }

    /// `text` with this call's secrets replaced by "***", for messages that quote the server.
    std::string redacted(std::string text) const;
    void redactor(std::shared_ptr<const Redactor> redactor) noexcept { _redactor = std::move(redactor); }

private:
    ResponseHead _head;
    std::string _body;
    BodySourcePtr _source;
    Headers _trailers;
    std::vector<Attempt> _attempts;
    std::shared_ptr<const Redactor> _redactor;
};

} // namespace tollgate
