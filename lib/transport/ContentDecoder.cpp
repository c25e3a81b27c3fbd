#include "transport/ContentDecoder.h"

#include "transport/Failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace tollgate::transport {

namespace {

// Real data stays far below 200:1; deflate's limit is 1032:1. Small bodies may do as they like.
constexpr std::uint64_t maxRatio = 250;
constexpr std::uint64_t ratioFreeBytes = 1024 * 1024;

constexpr int gzipBits = 15 + 16;
constexpr int zlibBits = 15;
constexpr int rawBits = -15;

[[noreturn]] void refuse(const char* what)
{
    ErrorDetails details;
    details.message = fmt::format("the compressed response body is broken: {}", what);
    details.hint = "The server, or a proxy in between, is faulty; decompress = false shows what it sends.";
    details.delivery = Delivery::Answered;
    throw ProtocolError(std::move(details));
}

[[noreturn]] void refuseSize(std::string why)
{
    ErrorDetails details;
    details.message = std::move(why);
    details.hint = "Ask for less at a time, or raise maxBodyBytes if the server is to be trusted with that.";
    details.delivery = Delivery::Answered;
    throw ResponseTooLarge(std::move(details));
}

bool looksLikeZlib(unsigned char first, unsigned char second) noexcept // RFC 1950 section 2.2
{
    return (first & 0x0f) == Z_DEFLATED && (first * 256 + second) % 31 == 0;
}

} // namespace

ContentDecoder::ContentDecoder(BodySourcePtr encoded, Coding coding, std::uint64_t maxBytes)
    : _encoded(std::move(encoded))
    , _coding(coding)
    , _maxBytes(maxBytes)
    , _input(new char[inputSize])
{}

ContentDecoder::~ContentDecoder()
{
    if (_begun) ::inflateEnd(&_stream);
}

std::size_t ContentDecoder::read(char* buffer, std::size_t capacity)
{
    if (_failure) _failure->rethrow();
    if (capacity == 0) return 0;
    try {
        return next(buffer, capacity);
    } catch (const Error& error) {
        _failure = error.with(error.details());
        throw;
    }
}

std::size_t ContentDecoder::next(char* buffer, std::size_t capacity)
{
    while (!_ended) {
        if (_stream.avail_in == 0 && !_holdsOutput && !refill()) {
            if (_insideMember) refuse("it ends early");
            _ended = true;
            break;
        }
        if (!_insideMember) begin();
        const auto room = static_cast<uInt>(std::min<std::size_t>(capacity, std::numeric_limits<uInt>::max()));
        const uInt before = _stream.avail_in;
        _stream.next_out = reinterpret_cast<Bytef*>(buffer);
        _stream.avail_out = room;
        const int result = ::inflate(&_stream, Z_NO_FLUSH);
        _consumed += before - _stream.avail_in;
        const std::size_t produced = room - _stream.avail_out;
        _holdsOutput = _stream.avail_out == 0; // more may come without more input
        count(produced);
        if (result == Z_STREAM_END)
            endMember();
        else if (result == Z_MEM_ERROR)
            throw std::bad_alloc();
        else if (result != Z_OK && result != Z_BUF_ERROR)
            refuse(_stream.msg ? _stream.msg : "it is not what Content-Encoding says");
        if (produced > 0) return produced;
    }
    return 0;
}

bool ContentDecoder::refill()
{
    // A lone byte left over waits for company: the kind of deflate shows in the first two.
    std::size_t filled = 0;
    const std::size_t wanted = _begun ? 1 : 2;
    while (filled < wanted) {
        const std::size_t got = _encoded->read(_input.get() + filled, inputSize - filled);
        if (got == 0) break;
        filled += got;
    }
    _stream.next_in = reinterpret_cast<Bytef*>(_input.get());
    _stream.avail_in = static_cast<uInt>(filled);
    return filled > 0;
}

void ContentDecoder::begin()
{
    if (_begun) // another gzip member
    {
        if (*_stream.next_in != 0x1f) refuse("there is garbage behind its end");
        if (::inflateReset(&_stream) != Z_OK) refuse("its state is lost");
    } else {
        int bits = gzipBits;
        if (_coding == Coding::Deflate)
            bits = _stream.avail_in >= 2 && looksLikeZlib(_stream.next_in[0], _stream.next_in[1]) ? zlibBits : rawBits;
        if (::inflateInit2(&_stream, bits) != Z_OK) throw std::bad_alloc();
        _begun = true;
    }
    _insideMember = true;
}

void ContentDecoder::endMember()
{
    _insideMember = _holdsOutput = false;
    if (_coding == Coding::Gzip) return; // another member may follow
    if (_stream.avail_in > 0 || refill()) refuse("there is garbage behind its end");
    _ended = true;
}

void ContentDecoder::count(std::size_t produced)
{
    _produced += produced;
    if (_produced > _maxBytes)
        refuseSize(fmt::format("the decompressed response body is larger than {} bytes (maxBodyBytes)", _maxBytes));
    if (_produced > ratioFreeBytes && _produced / maxRatio > _consumed)
        refuseSize(fmt::format("the response body grows more than {} times when decompressed", maxRatio));
}

BodySourcePtr decoded(ResponseHead& head, BodySourcePtr source, std::uint64_t maxBytes)
{
    const std::string_view coding = head.headers.get("Content-Encoding", {});
    if (coding.empty()) return source;
    const bool gzip = equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip");
    if (!gzip && !equalsIgnoreCase(coding, "deflate")) return source; // the caller may know what to do with it
    if (head.headers.getAll("Content-Encoding").size() > 1) return source;
    head.headers.remove("Content-Encoding");
    head.headers.remove("Content-Length");
    return std::make_shared<ContentDecoder>(std::move(source),
                                            gzip ? ContentDecoder::Coding::Gzip : ContentDecoder::Coding::Deflate, maxBytes);
}

} // namespace tollgate::transport
