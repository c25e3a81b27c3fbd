#pragma once

#include "transport/ResponseReader.h"

#include "tollgate/Exchange.h"
#include "tollgate/Transport.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::transport {

/// An error of this library's that the request's body threw: it tells of another connection, not of the one that is written to.
struct BodyFailure
{
    ErrorPtr error;
};

/// Puts one request on the wire (RFC 9112): head and a body of up to 16 KiB in one send, larger ones behind it, always framed by
/// a length or chunks. A proxy gets the target of a plain http request in absolute-form (section 3.2.2). It notices when the
/// server answers before a large body is through.
class RequestWriter
{
public:
    /// Checks the request. Throws InvalidRequest for a method, target, field name or value that cannot be sent, and for fields
    /// that are the transport's own. The message never repeats a value.
    RequestWriter(Exchange& exchange, const TransportOptions& options);

    /// Whether we ask for compressed bodies: not if the caller set Accept-Encoding, who then gets what comes.
    bool asksForEncoding() const noexcept { return _asksForEncoding; }

    /// Sends it, setting the attempt's delivery with the first byte. Returns early once the server has answered that it wants no
    /// more; the reader has the head then. Throws ConnectionLost, Timeout, Cancelled, BodyFailure, and what else the body throws.
    void write(ResponseReader& reader);

private:
    void checkFields();
    std::size_t headSize(const std::string& hostLine) const;
    void renderHead(std::string& out, const std::string& hostLine) const;
    void writeBytes(ResponseReader& reader, std::string_view first, std::string_view rest);
    void writeProduced(ResponseReader& reader, std::string& out);
    bool appendPiece(std::string& out);
    std::size_t readBody(char* buffer, std::size_t capacity);
    bool send(ResponseReader& reader, std::string_view bytes, bool last);
    bool answered(ResponseReader& reader);

    Exchange& _exchange;
    PhaseLimit _limit;
    std::string _targetPrefix; ///< scheme and authority, for a proxy; else empty
    bool _asksForEncoding;
    bool _hasBody;
    bool _chunked = false;
    std::uint64_t _length = 0;
    std::uint64_t _left = 0;    ///< of a produced body with a known length
    std::size_t _sinceLook = 0; ///< bytes sent since we looked for an early answer
    bool _watchForAnswer = true;
};

} // namespace tollgate::transport
