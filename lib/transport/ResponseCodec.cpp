#include "transport/ResponseCodec.h"

#include "transport/Failure.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/version.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

namespace tollgate::transport {

namespace {

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastText = boost::beast::string_view;

constexpr unsigned maxInterim = 64;
constexpr unsigned maxLines = 1000; // of one head or trailer section; servers send some dozens

std::string_view text(BeastText view) noexcept { return {view.data(), view.size()}; }

[[noreturn]] void refuse(const std::string& why)
{
    fail<ProtocolError>("the response breaks the rules of HTTP: " + why,
                        "The server, or a proxy in between, is faulty; report it to its operator.");
}

[[noreturn]] void refuseSize(const char* what, std::size_t cap)
{
    fail<ResponseTooLarge>(fmt::format("the {} of the response is larger than {} bytes (maxHeadBytes)", what, cap),
                           "Raise maxHeadBytes if the server is known to send that much.");
}

bool isDigits(std::string_view value) noexcept { return value.find_first_not_of("0123456789") == std::string_view::npos; }

bool isControl(char c) noexcept { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f'; }

// Whether the line is the head of the last chunk: zeroes, and perhaps extensions (RFC 9112 section 7.1).
bool isLastChunk(std::string_view line) noexcept
{
    const std::size_t size = std::min(line.find_first_not_of('0'), line.size());
    return size > 0 && (size == line.size() || line[size] == ';' || line[size] == ' ' || line[size] == '\t');
}

} // namespace

/// What Beast tells us, put where it belongs.
class ResponseCodec::Parser final : public http::basic_parser<false>
{
public:
    explicit Parser(ResponseCodec& owner) : _owner(owner)
    {
        header_limit(
            static_cast<std::uint32_t>(std::min<std::size_t>(owner._maxHeadBytes, std::numeric_limits<std::uint32_t>::max())));
        body_limit(std::numeric_limits<std::uint64_t>::max()); // the reader counts what it hands out
        skip(owner._answersHead);
    }

    /// Where chunk data goes.
    void target(char* output, std::size_t room) noexcept
    {
        _output = output;
        _room = room;
        _written = 0;
    }
    std::size_t written() const noexcept { return _written; }
    bool insideChunk() const noexcept { return _chunkLeft > 0; }
    /// Whether the connection outlives this message, as far as its head tells (RFC 9112 section 9.3). Beast would listen to
    /// Proxy-Connection too, and not to `close` in HTTP/1.0.
    bool keepsAlive() const noexcept { return !_closes && (_owner._head.version >= 11 || _persists); }
    /// Whether its fields speak of content.
    bool announcesBody() const { return chunked() || content_length().value_or(0) > 0; }

private:
    void on_request_impl(http::verb, BeastText, BeastText, int, BeastError&) override {}

    void on_response_impl(int status, BeastText reason, int version, BeastError&) override
    {
        _owner._head.status = status;
        _owner._head.reason.assign(reason.data(), reason.size());
        _owner._head.version = static_cast<unsigned>(version);
    }

    void on_field_impl(http::field name, BeastText nameText, BeastText value, BeastError&) override
    {
        if (_owner._headComplete) return addTrailer(nameText, value); // before Boost 1.90 trailers come this way too
        switch (name) {
        case http::field::content_length:
            // RFC 9110 section 8.6 lets us refuse a length that is repeated or a list, even of the same number.
            if (std::exchange(_hasLength, true) || !isDigits(text(value))) refuse("more than one Content-Length");
            break;
        case http::field::transfer_encoding:
            if (!equalsIgnoreCase(text(value), "chunked")) refuse("a transfer coding that was not asked for");
            break;
        case http::field::connection:
            _closes |= hasToken(text(value), "close");
            _persists |= hasToken(text(value), "keep-alive");
            break;
        default: break;
        }
        _owner._head.headers.add(text(nameText), text(value));
    }

#if BOOST_VERSION >= 109000
    void on_trailer_field_impl(http::field, BeastText name, BeastText value, BeastError&) override { addTrailer(name, value); }
#endif

    void on_header_impl(BeastError&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
    std::size_t on_body_impl(BeastText body, BeastError&) override { return body.size(); } // plain bodies never come here

    void on_chunk_header_impl(std::uint64_t size, BeastText extension, BeastError&) override
    {
        _chunkLeft = size;
        _extensionBytes += extension.size();
        if (_extensionBytes > _owner._maxHeadBytes) refuseSize("chunk extensions", _owner._maxHeadBytes);
    }

    std::size_t on_chunk_body_impl(std::uint64_t, BeastText body, BeastError&) override
    {
        const std::size_t count = std::min(body.size(), _room - _written);
        std::memcpy(_output + _written, body.data(), count);
        _written += count;
        _chunkLeft -= count;
        return count;
    }

    void on_finish_impl(BeastError&) override {}

    void addTrailer(BeastText name, BeastText value) { _owner._trailers.add(text(name), text(value)); }

    ResponseCodec& _owner;
    char* _output = nullptr;
    std::size_t _room = 0;
    std::size_t _written = 0;
    std::uint64_t _chunkLeft = 0;
    std::size_t _extensionBytes = 0;
    bool _hasLength = false;
    bool _closes = false;
    bool _persists = false;
};

ResponseCodec::ResponseCodec(std::size_t maxHeadBytes) : _maxHeadBytes(maxHeadBytes) {}
ResponseCodec::~ResponseCodec() = default;

std::size_t ResponseCodec::feedHead(const char* data, std::size_t size)
{
    std::size_t taken = 0;
    while (!_headComplete && taken < size) {
        _gotSome = true;
        const char* const at = data + taken;
        constexpr std::string_view start = "HTTP/1.";
        if (std::memcmp(at, start.data(), std::min(size - taken, start.size())) != 0) refuse("it does not begin with HTTP/1.x");
        const std::size_t end = endOfFields(at, size - taken, "head");
        if (end == 0) break;
        parseHead(at, end);
        taken += end;
    }
    return taken;
}

std::size_t ResponseCodec::endOfFields(const char* data, std::size_t size, const char* what)
{
    const std::size_t within = std::min(size, _maxHeadBytes);
    while (_scanned < within) {
        const auto* const feed = static_cast<const char*>(std::memchr(data + _scanned, '\n', within - _scanned));
        if (!feed) break;
        const std::size_t next = static_cast<std::size_t>(feed - data) + 1;
        const std::size_t length = next - _line;
        if (length < 2 || feed[-1] != '\r') refuse("a line that does not end with CR LF");
        if (length == 2) {
            _scanned = _line = _lines = 0;
            return next;
        }
        // Folded lines (obs-fold): RFC 9112 section 5.2 lets us refuse, which nobody can misread.
        if (_line > 0 && (data[_line] == ' ' || data[_line] == '\t')) refuse("a folded field line");
        if (++_lines > maxLines)
            fail<ResponseTooLarge>(fmt::format("the {} of the response has more than {} lines", what, maxLines),
                                   "No sound server sends that many; report it to its operator.");
        _scanned = _line = next;
    }
    _scanned = within;
    if (size >= _maxHeadBytes) refuseSize(what, _maxHeadBytes);
    return 0;
}

void ResponseCodec::parseHead(const char* data, std::size_t size)
{
    _parser = std::make_unique<Parser>(*this);
    _head.headers.clear();
    _head.headers.reserve(16, 512);
    parseWhole(data, size);
    if (_head.status < 100) refuse(fmt::format("the status {:03}", _head.status));
    if (_head.status == 101) refuse("it switches to a protocol that was not asked for (101)");
    if (_head.status >= 200) return frameBody();
    if (++_interim > maxInterim) refuse("more interim responses (1xx) than anybody needs");
    // Whoever believed these fields would take what follows for content (RFC 9110 section 8.6, RFC 9112 section 6.1).
    if (_parser->announcesBody()) refuse("an interim response (1xx) that announces content");
    _interimCloses |= !_parser->keepsAlive();
}

void ResponseCodec::parseWhole(const char* data, std::size_t size)
{
    BeastError error;
    const std::size_t count = _parser->put(boost::asio::const_buffer(data, size), error);
    if (error == http::error::need_more || (!error && count != size)) refuse("it is malformed");
    if (error) refuse(error.message());
}

void ResponseCodec::frameBody()
{
    // RFC 9112 section 6.3
    _status = _head.status;
    _headComplete = true;
    _keepAlive = _parser->keepsAlive() && !_interimCloses;
    if (_parser->chunked() && _head.version < 11) refuse("a transfer coding in HTTP/1.0");
    if (_answersHead || _head.status == 204 || _head.status == 304) {
        _framing = Framing::None;
        if (_head.status == 204 && _parser->announcesBody()) _keepAlive = false; // it may come, wherever the message ends
    } else if (_parser->chunked())
        _framing = Framing::Chunked;
    else if (const auto length = _parser->content_length()) {
        _framing = Framing::Length;
        _remaining = *length;
    } else {
        _framing = Framing::UntilClose;
        _keepAlive = false;
    }
    _complete = _framing == Framing::None || (_framing == Framing::Length && _remaining == 0);
}

ResponseCodec::Piece ResponseCodec::feedBody(const char* data, std::size_t size, char* output, std::size_t capacity)
{
    if (_complete) return {};
    if (_framing == Framing::Chunked) return feedChunked(data, size, output, capacity);
    std::size_t count = std::min(size, capacity);
    if (_framing == Framing::Length) count = static_cast<std::size_t>(std::min<std::uint64_t>(count, _remaining));
    if (count > 0) std::memcpy(output, data, count);
    received(count);
    return {count, count};
}

ResponseCodec::Piece ResponseCodec::feedChunked(const char* data, std::size_t size, char* output, std::size_t capacity)
{
    Piece piece;
    while (piece.consumed < size && !_complete) {
        const char* const at = data + piece.consumed;
        const std::size_t left = size - piece.consumed;
        if (!_parser->insideChunk()) {
            const std::size_t end = endOfChunkHead(at, left);
            if (end == 0) break;
            parseWhole(at, end);
            piece.consumed += end;
            _complete = _parser->is_done();
            continue;
        }
        if (piece.produced == capacity) break;
        _parser->target(output + piece.produced, capacity - piece.produced);
        BeastError error;
        piece.consumed += _parser->put(boost::asio::const_buffer(at, left), error);
        piece.produced += _parser->written();
        _bodyBytes += _parser->written();
        if (error) refuse(error.message());
    }
    return piece;
}

// The CR LF behind a chunk's data counts as the beginning of the next one's head, and the trailer section as the end of the last.
std::size_t ResponseCodec::endOfChunkHead(const char* data, std::size_t size)
{
    const std::size_t before = _anyChunk ? 2 : 0;
    if (before > 0 && (data[0] != '\r' || (size > 1 && data[1] != '\n'))) refuse("a chunk that does not end with CR LF");
    if (!_lastChunk) {
        const std::size_t within = std::min(size, _maxHeadBytes);
        _scanned = std::max(_scanned, before);
        const void* const found = _scanned < within ? std::memchr(data + _scanned, '\n', within - _scanned) : nullptr;
        if (!found) {
            _scanned = within;
            if (size >= _maxHeadBytes) refuseSize("chunk header", _maxHeadBytes);
            return 0;
        }
        const auto* const feed = static_cast<const char*>(found);
        std::string_view line(data + before, static_cast<std::size_t>(feed - data) - before);
        if (line.empty() || line.back() != '\r') refuse("a line that does not end with CR LF");
        line.remove_suffix(1);
        if (std::any_of(line.begin(), line.end(), isControl)) refuse("a control character in a chunk header");
        const std::size_t next = static_cast<std::size_t>(feed - data) + 1;
        _lastChunk = isLastChunk(line);
        if (!_lastChunk) {
            _scanned = 0;
            _anyChunk = true;
            return next;
        }
        _scanned = _line = next;
    }
    return endOfFields(data, size, "trailer section");
}

void ResponseCodec::received(std::size_t count) noexcept
{
    _bodyBytes += count;
    if (_framing != Framing::Length) return;
    _remaining -= count;
    _complete = _remaining == 0;
}

std::optional<std::uint64_t> ResponseCodec::remaining() const noexcept
{
    if (_framing == Framing::None || _complete) return 0;
    if (_framing == Framing::Length) return _remaining;
    return std::nullopt;
}

void ResponseCodec::end()
{
    if (_complete) return;
    constexpr const char* hint = "The server or the network broke off; what came is not to be trusted as complete.";
    if (!_gotSome) fail<ConnectionLost>("the connection was closed before any byte of the response", hint);
    if (!_headComplete) fail<ConnectionLost>("the connection was closed in the middle of the response head", hint);
    if (_framing == Framing::Length)
        fail<ConnectionLost>(
            fmt::format("the response body was cut off after {} of {} bytes", _bodyBytes, _bodyBytes + _remaining), hint);
    if (_framing == Framing::Chunked)
        fail<ConnectionLost>(fmt::format("the chunked response body was cut off after {} bytes", _bodyBytes), hint);
    _complete = true;
}

} // namespace tollgate::transport
