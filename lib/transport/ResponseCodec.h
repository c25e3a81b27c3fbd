#pragma once

#include "tollgate/Headers.h"
#include "tollgate/Response.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace tollgate::transport {

/// Turns the bytes of one HTTP/1.1 response into head, body and trailers (RFC 9112). It does no I/O: the caller feeds bytes and
/// pulls what they mean, so that blocking exchanges, tests and fuzzers share it. Heads, chunk headers and trailer sections are
/// parsed when they are whole, so the pieces in which they arrive change nothing. Boost.Beast's parser does the grammar; on top
/// of it this refuses, with ProtocolError:
///   - a transfer coding other than one `chunked`, any in HTTP/1.0, and one together with Content-Length (sections 6.1, 6.3);
///   - a Content-Length that is repeated or a list, also of the same number (RFC 9110 section 8.6 allows to);
///   - a status below 100, 101 (nobody asked for an upgrade), an interim response that announces content;
///   - lines that end with LF alone, folded field lines (section 5.2), control characters in a chunk header;
/// and with ResponseTooLarge a head, chunk header, or trailer section beyond the cap or of more than 1,000 lines, and chunk
/// extensions that together go beyond the cap.
class ResponseCodec
{
public:
    explicit ResponseCodec(std::size_t maxHeadBytes);
    ~ResponseCodec();
    ResponseCodec(const ResponseCodec&) = delete;
    ResponseCodec& operator=(const ResponseCodec&) = delete;

    /// The next head answers a HEAD request: whatever its fields say, no body follows.
    void answersHead() noexcept { _answersHead = true; }

    /// Takes bytes of the head and answers how many it took; the rest must be offered again, with more behind it. Interim
    /// responses (1xx) are parsed and dropped.
    std::size_t feedHead(const char* data, std::size_t size);
    /// Whether the final head is complete.
    bool headComplete() const noexcept { return _headComplete; }
    /// The final head. `keepAlive` and the framing stay known after the caller moved it away.
    ResponseHead& head() noexcept { return _head; }

    /// Its status, also after the head was moved away.
    int status() const noexcept { return _status; }

    /// What feedBody() did.
    struct Piece
    {
        std::size_t consumed = 0; ///< bytes of the input
        std::size_t produced = 0; ///< bytes of the body, now in the output
    };
    /// Takes bytes that follow the head and writes body bytes. Both zero: it needs more input behind what it was offered.
    Piece feedBody(const char* data, std::size_t size, char* output, std::size_t capacity);

    /// Whether body bytes stand on the wire as they are, so that they may be received straight into their destination.
    bool isPlain() const noexcept { return _framing == Framing::Length || _framing == Framing::UntilClose; }
    /// That many body bytes were received without feedBody().
    void received(std::size_t count) noexcept;
    /// Body bytes still to come, if known.
    std::optional<std::uint64_t> remaining() const noexcept;

    /// The peer closed in order. Throws ConnectionLost if that cuts the message off. A body until the end of the connection is
    /// whole then: over TLS that is sure, over plain TCP nobody can tell.
    void end();
    /// Whether the message is complete.
    bool complete() const noexcept { return _complete; }
    /// Whether the connection may carry another exchange, as far as the head tells.
    bool keepAlive() const noexcept { return _keepAlive; }
    /// Trailer fields; complete with the message. They never touch the head.
    const Headers& trailers() const noexcept { return _trailers; }
    /// Whether any byte came yet.
    bool gotSome() const noexcept { return _gotSome; }

private:
    enum class Framing
    {
        None,
        Length,
        Chunked,
        UntilClose
    };
    class Parser;
    std::size_t endOfFields(const char* data, std::size_t size, const char* what);
    void parseHead(const char* data, std::size_t size);
    void parseWhole(const char* data, std::size_t size);
    void frameBody();
    Piece feedChunked(const char* data, std::size_t size, char* output, std::size_t capacity);
    std::size_t endOfChunkHead(const char* data, std::size_t size);

    std::unique_ptr<Parser> _parser;
    std::size_t _maxHeadBytes;
    std::size_t _scanned = 0; ///< bytes of the section that is awaited now and need no second look
    std::size_t _line = 0;    ///< where its last line begins
    std::size_t _lines = 0;   ///< complete ones in it
    unsigned _interim = 0;
    int _status = 0;
    ResponseHead _head;
    Headers _trailers;
    Framing _framing = Framing::None;
    std::uint64_t _remaining = 0;
    std::uint64_t _bodyBytes = 0;
    bool _anyChunk = false;  ///< CR LF stands before the next chunk's header
    bool _lastChunk = false; ///< the trailer section follows
    bool _interimCloses = false;
    bool _answersHead = false;
    bool _headComplete = false;
    bool _complete = false;
    bool _keepAlive = false;
    bool _gotSome = false;
};

} // namespace tollgate::transport
