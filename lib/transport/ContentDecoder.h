#pragma once

#include "tollgate/Body.h"
#include "tollgate/Error.h"
#include "tollgate/Response.h"

#include <zlib.h>

#include <cstdint>
#include <memory>

namespace tollgate::transport {

/// Decodes gzip and deflate while it is read. A body that ends early, has garbage behind its end, or blows up beyond `maxBytes`
/// or beyond any sensible ratio is an error. Several gzip members count as one body (RFC 1952 section 2.2); "deflate" may come
/// with or without the zlib wrapper, because servers send both.
class ContentDecoder final : public BodySource
{
public:
    enum class Coding
    {
        Gzip,
        Deflate
    };
    ContentDecoder(BodySourcePtr encoded, Coding coding, std::uint64_t maxBytes);
    ~ContentDecoder() override;
    ContentDecoder(const ContentDecoder&) = delete;
    ContentDecoder& operator=(const ContentDecoder&) = delete;

    /// Throws ProtocolError, ResponseTooLarge, and what the encoded source throws.
    std::size_t read(char* buffer, std::size_t capacity) override;
    const Headers& trailers() const override { return _encoded->trailers(); }

private:
    std::size_t next(char* buffer, std::size_t capacity);
    bool refill();
    void begin();
    void endMember();
    void count(std::size_t produced);

    static constexpr std::size_t inputSize = 16 * 1024;
    BodySourcePtr _encoded;
    Coding _coding;
    std::uint64_t _maxBytes;
    z_stream _stream{};
    std::unique_ptr<char[]> _input;
    std::uint64_t _consumed = 0;
    std::uint64_t _produced = 0;
    bool _begun = false; ///< zlib is set up
    bool _insideMember = false;
    bool _holdsOutput = false; ///< the last piece filled the buffer: zlib may hold some of it back
    bool _ended = false;
    ErrorPtr _failure; ///< a body that failed once fails for ever
};

/// If the head says gzip or deflate: the source that decodes it, and a head without Content-Encoding and Content-Length, which no
/// longer hold. Else the source as it is.
BodySourcePtr decoded(ResponseHead& head, BodySourcePtr source, std::uint64_t maxBytes);

} // namespace tollgate::transport
