#pragma once

#include "tollgate/Export.h"
#include "tollgate/Headers.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

/// Produces a request's body. One exchange at a time reads it.
class TOLLGATE_API RequestBody
{
public:
    virtual ~RequestBody() = default;

    /// Bytes in all, if known before the start; else the body is sent chunked (RFC 9112 section 7.1).
    virtual std::optional<std::uint64_t> length() const = 0;

    /// Whether rewind() works: a body that cannot be produced twice is never sent twice.
    virtual bool replayable() const = 0;
    virtual void rewind() = 0;

    /// Fills at most `capacity` bytes; 0 means the end.
    virtual std::size_t read(char* buffer, std::size_t capacity) = 0;

    /// All bytes at once, if they lie in memory anyway; else nothing.
    virtual std::optional<std::string_view> view() const { return std::nullopt; }
};

using RequestBodyPtr = std::shared_ptr<RequestBody>;

/// A body that lies in memory: replayable, length known.
TOLLGATE_API RequestBodyPtr textBody(std::string text);

/// Gives a response's body, piece by piece. It holds its connection until the end was read or it is destroyed; a body that
/// nobody reads is drained up to 64 KiB, else its connection is closed. Read by one thread at a time.
class TOLLGATE_API BodySource
{
public:
    virtual ~BodySource() = default;

    /// Waits for at least one byte; 0 means the end, and that the body was complete: a truncated one throws ConnectionLost or
    /// ProtocolError. Throws Timeout, Cancelled, ResponseTooLarge as Transport::exchange does.
    virtual std::size_t read(char* buffer, std::size_t capacity) = 0;

    /// Appends all that is left, straight into the string.
    virtual void readAll(std::string& to);

    /// Bytes still to come on the wire, if the head told.
    virtual std::optional<std::uint64_t> remaining() const { return std::nullopt; }

    /// The trailer fields, complete after the end. They never take part in framing, limits or authentication.
    virtual const Headers& trailers() const;
};

using BodySourcePtr = std::shared_ptr<BodySource>;

} // namespace tollgate
