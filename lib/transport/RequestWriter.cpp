#include "transport/RequestWriter.h"

#include "transport/Failure.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace tollgate::transport {

namespace {

constexpr std::size_t atOnce = 16 * 1024;    // head and body in one send
constexpr std::size_t pieceSize = 16 * 1024; // of a produced body
constexpr std::size_t lookInterval = 64 * 1024;

// Framing and the connection are the transport's business; a caller's say in them is how requests are smuggled.
constexpr std::string_view ownFields[] = {
    "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade"};

constexpr std::array<bool, 256> makeTokenTable()
{
    std::array<bool, 256> table{};
    for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
    return table;
}
constexpr auto tokenTable = makeTokenTable();

bool isToken(std::string_view text) noexcept
{
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return tokenTable[static_cast<unsigned char>(c)]; });
}

bool isTarget(std::string_view text) noexcept
{
    return !text.empty() && text.front() == '/' &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool isValue(std::string_view text) noexcept // RFC 9110 section 5.5
{
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
    });
}

bool usuallyHasBody(std::string_view method) noexcept { return method == "POST" || method == "PUT" || method == "PATCH"; }

} // namespace

RequestWriter::RequestWriter(Exchange& exchange, const TransportOptions& options)
    : _exchange(exchange)
    , _limit(Phase::Write, options.writeTimeout)
    , _asksForEncoding(options.decompress)
    , _hasBody(exchange.body != nullptr)
{
    if (_hasBody && options.minimumThroughput) _limit.keepPace(*options.minimumThroughput);
    if (!options.proxy.empty() && !exchange.url.origin().isTls()) _targetPrefix = exchange.url.origin().text();
    if (!isToken(exchange.method) || exchange.method == "CONNECT")
        fail<InvalidRequest>("this method cannot be sent", "A method is a word such as GET; CONNECT is not for requests.");
    if (!isTarget(exchange.url.target()))
        fail<InvalidRequest>("the path or query holds a character that cannot be sent",
                             "Percent-encode blanks, control characters and non-ASCII bytes.");
    checkFields();
    if (!_hasBody) return;
    if (const auto view = exchange.body->view())
        _length = view->size();
    else if (const auto length = exchange.body->length())
        _length = *length;
    else
        _chunked = true;
    _left = _length;
}

void RequestWriter::checkFields()
{
    for (const auto& [name, value] : _exchange.headers) {
        if (!isToken(name))
            fail<InvalidRequest>("a header field's name holds a character that cannot be sent",
                                 "Names are words such as X-Request-Id.");
        if (!isValue(value))
            fail<InvalidRequest>(fmt::format("the value of the header field {} holds a control character", name),
                                 "Line breaks and control characters in a value could forge other fields; remove them.");
        const auto isName = [n = name](std::string_view own) { return equalsIgnoreCase(own, n); };
        if (std::any_of(std::begin(ownFields), std::end(ownFields), isName))
            fail<InvalidRequest>(fmt::format("the header field {} cannot be set", name),
                                 "The transport sets it by itself; leave it out.");
        if (isName("Expect")) // RFC 9110 section 10.1.1: no need to ask first
            fail<InvalidRequest>(
                "the header field Expect cannot be set",
                "Leave it out: the body follows at once, and sending stops once the server answers with an error.");
        if (isName("Host") && !equalsIgnoreCase(value, _exchange.url.origin().authority()))
            fail<InvalidRequest>("the header field Host differs from the URL's host", "Leave it out; it is taken from the URL.");
        if (isName("Accept-Encoding")) _asksForEncoding = false;
    }
}

void RequestWriter::write(ResponseReader& reader)
{
    Connection& connection = *reader.lease();
    std::string& out = connection.output();
    out.clear();
    const auto body = _hasBody ? _exchange.body->view() : std::optional<std::string_view>();
    // All at once: growing later would leave copies of credentials behind.
    const std::size_t head = headSize(connection.hostLine());
    const std::size_t first = body ? std::min(body->size(), atOnce - std::min(atOnce, head)) : 0;
    out.reserve(head + (_hasBody && !body ? pieceSize + 16 : first));
    renderHead(out, connection.hostLine());
    if (_hasBody && !body) {
        writeProduced(reader, out);
        return;
    }
    if (first > 0) out.append(body->substr(0, first));
    writeBytes(reader, out, body ? body->substr(first) : std::string_view());
}

/// An upper bound of what renderHead() writes.
std::size_t RequestWriter::headSize(const std::string& hostLine) const
{
    constexpr std::size_t ownLines = 128; // the version, the framing and Accept-Encoding
    std::size_t size =
        _exchange.method.size() + _targetPrefix.size() + _exchange.url.target().size() + hostLine.size() + ownLines;
    for (const auto& [name, value] : _exchange.headers) size += name.size() + value.size() + 4;
    return size;
}

void RequestWriter::renderHead(std::string& out, const std::string& hostLine) const
{
    out.append(_exchange.method).append(" ").append(_targetPrefix).append(_exchange.url.target());
    out.append(" HTTP/1.1\r\n").append(hostLine);
    for (const auto& [name, value] : _exchange.headers) {
        if (name.size() == 4 && equalsIgnoreCase(name, "Host")) continue;
        out.append(name).append(": ").append(value).append("\r\n");
    }
    if (_asksForEncoding) out.append("Accept-Encoding: gzip, deflate\r\n");
    if (_chunked)
        out.append("Transfer-Encoding: chunked\r\n");
    else if (_hasBody || usuallyHasBody(_exchange.method))
        fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", _length);
    out.append("\r\n");
}

void RequestWriter::writeBytes(ResponseReader& reader, std::string_view first, std::string_view rest)
{
    if (send(reader, first, rest.empty())) send(reader, rest, true);
}

void RequestWriter::writeProduced(ResponseReader& reader, std::string& out)
{
    for (bool more = true; more; out.clear()) {
        more = appendPiece(out);
        if (!send(reader, out, !more)) return;
    }
}

std::size_t RequestWriter::readBody(char* buffer, std::size_t capacity)
{
    try {
        return _exchange.body->read(buffer, capacity);
    } catch (const Error& error) {
        throw BodyFailure{error.with(error.details())};
    }
}

bool RequestWriter::appendPiece(std::string& out)
{
    const std::size_t at = out.size();
    if (!_chunked) {
        if (_left == 0) return false;
        out.resize(at + static_cast<std::size_t>(std::min<std::uint64_t>(pieceSize, _left)));
        const std::size_t count = readBody(out.data() + at, out.size() - at);
        out.resize(at + count);
        if (count == 0)
            fail<InvalidRequest>(fmt::format("the request body ended after {} of {} bytes", _length - _left, _length),
                                 "Its length() promised more than its read() gave.");
        _left -= count;
        return _left > 0;
    }
    constexpr std::size_t sizeLine = 6; // "4000" CR LF
    out.resize(at + sizeLine + pieceSize);
    const std::size_t count = readBody(out.data() + at + sizeLine, pieceSize);
    if (count == 0) {
        out.resize(at);
        out.append("0\r\n\r\n");
        return false;
    }
    fmt::format_to(out.data() + at, "{:04x}\r\n", count);
    out.resize(at + sizeLine + count);
    out.append("\r\n");
    return true;
}

bool RequestWriter::send(ResponseReader& reader, std::string_view bytes, bool last)
{
    Connection& connection = *reader.lease();
    try {
        while (!bytes.empty()) {
            reader.watch().check(Phase::Write);
            std::size_t count = 0;
            const TlsStep step = connection.trySend(bytes.data(), bytes.size(), count);
            if (step == TlsStep::Done || connection.isTls()) // a part of a TLS record may have left
                _exchange.attempt.delivery = Delivery::MaybeProcessed;
            if (step == TlsStep::Done) {
                bytes.remove_prefix(count);
                _limit.progressed(count);
                _sinceLook += count;
                const bool unfinished = !bytes.empty() || !last;
                if (unfinished && _sinceLook >= lookInterval && answered(reader)) return false;
                continue;
            }
            const auto events = static_cast<short>(step == TlsStep::WantRead ? POLLIN
                                                   : _watchForAnswer         ? POLLOUT | POLLIN
                                                                             : POLLOUT);
            const short ready = reader.watch().wait(connection.descriptor(), events, _limit);
            if (_watchForAnswer && (ready & POLLIN) != 0 && answered(reader)) return false;
        }
    } catch (const ConnectionLost&) {
        // A server that refuses a body often answers and closes: the answer may lie here unread.
        reader.requestCutShort();
        bool found = false;
        try {
            found = reader.lookForHead();
        } catch (const Error&) {
            found = false; // then the first failure tells more
        }
        if (!found) throw;
        return false;
    } catch (const Timeout&) {
        if (_watchForAnswer) throw;
        // It answered with a success, and then read no further: the answer is what there is. But not beyond the deadline.
        reader.watch().check(Phase::Write);
        reader.requestCutShort();
        return false;
    }
    return true;
}

bool RequestWriter::answered(ResponseReader& reader)
{
    _sinceLook = 0;
    if (!_watchForAnswer || !reader.lookForHead()) return false;
    _watchForAnswer = false; // the head is in; what follows is body and waits
    if (!reader.wantsNoMore()) return false;
    reader.requestCutShort();
    return true;
}

} // namespace tollgate::transport
