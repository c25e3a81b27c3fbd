#include "transport/ResponseReader.h"

#include "transport/Failure.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tollgate::transport {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t maxDrain = 64 * 1024;
constexpr auto drainPatience = 10ms; // what is on its way already; a destructor must not wait for more
constexpr std::size_t bodyStep = 128 * 1024;
constexpr std::uint64_t maxTrustedLength = 8 * 1024 * 1024; // address space, not memory: nobody writes to it before bytes come

/// "Keep-Alive: timeout=5, max=100" says 5 s; less one, since the server's clock started first.
std::chrono::milliseconds idleTimeoutOf(const Headers& headers, std::chrono::milliseconds ours)
{
    const std::string_view field = headers.get("Keep-Alive", {});
    const std::size_t at = field.find("timeout=");
    if (at == std::string_view::npos) return ours;
    long seconds = 0;
    const auto [end, error] = std::from_chars(field.data() + at + 8, field.data() + field.size(), seconds);
    if (error != std::errc() || seconds > 86'400) return ours;
    if (seconds < 1) return 0ms;
    return std::clamp<std::chrono::milliseconds>(std::chrono::seconds(seconds - 1), 0ms, ours);
}

} // namespace

ResponseReader::ResponseReader(const TransportOptions& options, TimePoint deadline, CancellationToken cancellation)
    : _codec(options.maxHeadBytes)
    , _limit(Phase::Head, options.readTimeout)
    , _idleTimeout(options.idleTimeout)
    , _maxBuffer(std::max(options.maxHeadBytes, Buffers::inputSize))
    , _maxBodyBytes(options.maxBodyBytes)
    , _minimum(options.minimumThroughput)
{
    _watch.emplace(deadline, std::move(cancellation));
}

ResponseReader::~ResponseReader()
{
    if (_finished) return;
    bool clean = false;
    try {
        clean = drain();
    } catch (...) {
        clean = false; // whatever it was, the answer is to close
    }
    if (clean)
        finish();
    else
        abandon();
}

bool ResponseReader::lookForHead()
{
    feedHead();
    while (!_codec.headComplete()) {
        _watch->check(Phase::Head);
        const TlsStep step = _lease->tryFill(_maxBuffer);
        if (step == TlsStep::Closed) _codec.end();
        if (step != TlsStep::Done) return false;
        feedHead();
    }
    return true;
}

bool ResponseReader::wantsNoMore() const noexcept { return _codec.status() >= 300; }

ResponseHead ResponseReader::readHead()
{
    feedHead();
    while (!_codec.headComplete()) {
        if (_lease->fill(*_watch, _limit, _maxBuffer) == 0) _codec.end();
        feedHead();
    }
    ResponseHead head = std::move(_codec.head());
    _idleTimeout = idleTimeoutOf(head.headers, _idleTimeout);
    _limit = PhaseLimit(Phase::Body, _limit.allowed());
    if (_minimum) _limit.keepPace(*_minimum);
    if (_codec.complete())
        finish();
    else
        _origin = _lease->origin();
    return head;
}

void ResponseReader::feedHead()
{
    const std::string_view bytes = _lease->buffered();
    if (!bytes.empty()) _lease->consume(_codec.feedHead(bytes.data(), bytes.size()));
}

void ResponseReader::abandon() noexcept
{
    _finished = true;
    _lease.drop();
    _watch.reset();
}

void ResponseReader::finish()
{
    _finished = true;
    // Surplus bytes would become the next response; nobody may read them.
    const bool clean = _codec.keepAlive() && !_requestCutShort && _lease->buffered().empty() && _idleTimeout > 0ms;
    if (clean)
        _lease.keep(_idleTimeout);
    else
        _lease.drop();
    _watch.reset();
}

std::size_t ResponseReader::read(char* buffer, std::size_t capacity)
{
    if (_failure) _failure->rethrow();
    if (_finished || capacity == 0) return 0;
    try {
        return next(buffer, capacity);
    } catch (const Error& error) {
        _failure = annotated(error, *_origin, Delivery::Answered);
    }
    abandon();
    _failure->rethrow();
    return 0;
}

std::size_t ResponseReader::next(char* buffer, std::size_t capacity)
{
    if (_lease.isForeign())
        fail<ConnectionLost>("this body belongs to the process that forked", "Read it there, or send the call again here.");
    if (_codec.remaining().value_or(0) > _maxBodyBytes - _bodyBytes) countBody(static_cast<std::size_t>(*_codec.remaining()));
    for (;;) {
        if (const std::size_t count = takeBuffered(buffer, capacity)) return count;
        if (_codec.complete()) {
            finish();
            return 0;
        }
        std::size_t count = 0;
        if (_codec.isPlain()) // straight into its destination
        {
            const std::uint64_t wanted = std::min<std::uint64_t>(capacity, _codec.remaining().value_or(capacity));
            count = _lease->receive(buffer, static_cast<std::size_t>(wanted), *_watch, _limit);
            _codec.received(count);
            countBody(count);
        } else
            count = _lease->fill(*_watch, _limit, _maxBuffer);
        if (count == 0) {
            _codec.end();
            continue;
        }
        if (!_codec.isPlain()) continue;
        if (_codec.complete()) finish();
        return count;
    }
}

std::size_t ResponseReader::takeBuffered(char* buffer, std::size_t capacity)
{
    const std::string_view bytes = _lease->buffered();
    if (bytes.empty() || _codec.complete()) return 0;
    const ResponseCodec::Piece piece = _codec.feedBody(bytes.data(), bytes.size(), buffer, capacity);
    _lease->consume(piece.consumed);
    countBody(piece.produced);
    if (piece.produced > 0 && _codec.complete()) finish();
    return piece.produced;
}

void ResponseReader::countBody(std::size_t count)
{
    _bodyBytes += count;
    if (_bodyBytes > _maxBodyBytes)
        fail<ResponseTooLarge>(fmt::format("the response body is larger than {} bytes (maxBodyBytes)", _maxBodyBytes),
                               "Ask for less at a time, or raise maxBodyBytes.");
}

void ResponseReader::readAll(std::string& to)
{
    const std::size_t before = to.size();
    if (const auto length = remaining(); length && !_finished)
        to.reserve(before + static_cast<std::size_t>(std::min({*length, _maxBodyBytes, maxTrustedLength})));
    std::size_t size = before;
    try {
        do {
            // Growing in steps keeps a false length from costing memory, and the zeroes in the cache.
            const std::uint64_t expected =
                remaining().value_or(_finished ? 0 : std::max(_lease->buffered().size(), Buffers::inputSize));
            to.resize(size + static_cast<std::size_t>(std::clamp<std::uint64_t>(expected, 1, bodyStep)));
            const std::size_t count = read(to.data() + size, to.size() - size);
            size += count;
            if (count == 0) break;
        } while (!_finished);
        to.resize(size);
    } catch (...) {
        to.resize(size);
        throw;
    }
}

bool ResponseReader::drain()
{
    if (!_codec.headComplete() || !_codec.keepAlive() || _requestCutShort || !_lease || _lease.isForeign()) return false;
    if (_codec.remaining().value_or(0) > maxDrain) return false;
    char scratch[4096];
    std::size_t drained = 0;
    const TimePoint end = Steady::now() + drainPatience;
    while (!_codec.complete()) {
        const std::string_view bytes = _lease->buffered();
        const ResponseCodec::Piece piece = _codec.feedBody(bytes.data(), bytes.size(), scratch, sizeof scratch);
        _lease->consume(piece.consumed);
        drained += piece.produced;
        if (drained > maxDrain) return false;
        if (piece.consumed > 0) continue;
        const TlsStep step = _lease->tryFill(_maxBuffer);
        if (step == TlsStep::Closed) return false;
        if (step != TlsStep::Done && Steady::now() >= end) return false; // records without content may come for ever
        if (step != TlsStep::Done && _watch->waitUntil(_lease->descriptor(), POLLIN, end, Phase::Body) == 0) return false;
    }
    return true;
}

} // namespace tollgate::transport
