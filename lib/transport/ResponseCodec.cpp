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

namespace tollgate::transport {

namespace {

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastText = boost::beast::string_view;

constexpr unsigned maxInterim = 64;

// "0" CRLF CRLF: no chunked body has fewer bytes left where a chunk begins. Boost 1.74 must not be offered less of the last
// chunk.
constexpr std::size_t shortestChunkTail = 5;

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

// Folded lines (obs-fold) begin with a blank. Beast joins them; RFC 9112 section 5.2 lets us refuse, which nobody can misread.
void refuseFolding(const char* data, std::size_t size)
{
    const char* const end = data + size;
    for (const char* at = data; at < end; ++at) {
        at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
        if (!at || at + 1 == end) return;
        if (at[1] == ' ' || at[1] == '\t') refuse("a folded header line");
    }
}

// Beast waits for CR LF; a server that ends its lines with LF alone would keep us waiting until the timeout.
void refuseBareLineFeed(const char* data, std::size_t size)
{
    const auto* at = static_cast<const char*>(std::memchr(data, '\n', size));
    if (at && at > data && at[-1] != '\r') refuse("a line that does not end with CR LF");
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
        if (name == http::field::transfer_encoding && !equalsIgnoreCase(text(value), "chunked"))
            refuse("a transfer coding that was not asked for");
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
};

ResponseCodec::ResponseCodec(std::size_t maxHeadBytes) : _maxHeadBytes(maxHeadBytes) {}
ResponseCodec::~ResponseCodec() = default;

std::size_t ResponseCodec::feedHead(const char* data, std::size_t size)
{
    std::size_t taken = 0;
    while (!_headComplete && taken < size) {
        if (!_parser) startMessage();
        _gotSome = true;
        BeastError error;
        const std::size_t count = _parser->put(boost::asio::const_buffer(data + taken, size - taken), error);
        refuseFolding(data + taken, count);
        taken += count;
        _headBytes += count;
        const bool incomplete = error == http::error::need_more;
        if (_headBytes > _maxHeadBytes || error == http::error::header_limit ||
            (incomplete && _headBytes + (size - taken) >= _maxHeadBytes))
            refuseSize("head", _maxHeadBytes);
        if (incomplete) {
            refuseBareLineFeed(data + taken, size - taken);
            break;
        }
        if (error) refuse(error.message());
        if (_parser->is_header_done()) finishHead();
    }
    return taken;
}

void ResponseCodec::startMessage()
{
    _parser = std::make_unique<Parser>(*this);
    _headBytes = 0;
    _head.headers.clear();
    _head.headers.reserve(16, 512);
}

void ResponseCodec::finishHead()
{
    if (_head.status < 100) refuse(fmt::format("the status {:03}", _head.status));
    if (_head.status == 101) refuse("it switches to a protocol that was not asked for (101)");
    if (_head.status < 200) {
        if (++_interim > maxInterim) refuse("more interim responses (1xx) than anybody needs");
        _parser.reset(); // a message of its own; the final one follows
        return;
    }
    _status = _head.status;
    frameBody();
    _headComplete = true;
}

void ResponseCodec::frameBody()
{
    // RFC 9112 section 6.3
    _keepAlive = _parser->keep_alive();
    if (_parser->chunked() && _head.version < 11) refuse("a transfer coding in HTTP/1.0");
    if (_answersHead || _head.status == 204 || _head.status == 304)
        _framing = Framing::None;
    else if (_parser->chunked())
        _framing = Framing::Chunked;
    else if (const auto length = _parser->content_length()) {
        _framing = Framing::Length;
        _remaining = *length;
    } else
        _framing = Framing::UntilClose;
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
        const bool inside = _parser->insideChunk();
        if (inside ? piece.produced == capacity : left < shortestChunkTail) break;
        _parser->target(output + piece.produced, capacity - piece.produced);
        BeastError error;
        const std::size_t count = _parser->put(boost::asio::const_buffer(at, left), error);
        piece.consumed += count;
        piece.produced += _parser->written();
        _bodyBytes += _parser->written();
        if (error == http::error::need_more) {
            if (left - count >= _maxHeadBytes) refuseSize("chunk header or trailer section", _maxHeadBytes);
            break;
        }
        if (error) refuse(error.message());
        if (!inside) {
            if (count >= _maxHeadBytes) refuseSize("trailer section", _maxHeadBytes);
            refuseFolding(at, count);
        }
        _complete = _parser->is_done();
    }
    return piece;
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
