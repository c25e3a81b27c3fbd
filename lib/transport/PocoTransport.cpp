#include "transport/PocoTransport.h"

#include "ForkMutex.h"
#include "transport/Connector.h"
#include "transport/ContentDecoder.h"
#include "transport/Failure.h"
#include "transport/Proxy.h"
#include "transport/TlsHost.h"
#include "transport/TlsInspection.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace tollgate {

Transport::~Transport() = default;

TlsReport Transport::tlsReport(std::string_view, const CancellationToken&)
{
    throw ConfigurationError("this transport opens no TLS connections", "Ask one made by Transport::create().");
}

std::shared_ptr<Transport> Transport::create(TransportOptions options)
{
    return std::make_shared<transport::PocoTransport>(std::move(options));
}

} // namespace tollgate

namespace tollgate::transport {

namespace {

using Steady = std::chrono::steady_clock;

/// Measures one phase after the other.
class Stopwatch
{
public:
    Duration lap() noexcept
    {
        const TimePoint now = Steady::now();
        return now - std::exchange(_last, now);
    }

private:
    TimePoint _last = Steady::now();
};

} // namespace

PocoTransport::State::State(const TransportOptions& options, const Resolver::Lookup& lookup)
    : process(::getpid())
    , resolver(lookup)
    , pool(std::make_shared<ConnectionPool>(options))
{}

PocoTransport::PocoTransport(TransportOptions options, Resolver::Lookup lookup)
    : _options(std::move(options))
    , _lookup(std::move(lookup))
    , _proxy(parseProxy(_options.proxy))
{
    if (!_options.clock) _options.clock = Clock::system();
    // milliseconds::max() is how some people write "none"; counted in nanoseconds it would overflow.
    for (auto* timeout :
         {&_options.connectTimeout, &_options.tlsTimeout, &_options.writeTimeout, &_options.readTimeout, &_options.idleTimeout})
        *timeout = std::clamp<std::chrono::milliseconds>(*timeout, std::chrono::milliseconds(0), std::chrono::hours(24 * 365));
    if (auto& minimum = _options.minimumThroughput) {
        if (minimum->bytesPerSecond == 0 || minimum->over.count() <= 0)
            throw ConfigurationError("minimumThroughput has a rate or a span of zero",
                                     "Leave minimumThroughput empty to switch it off; emplace() gives 1 KiB/s over 30 s.");
        minimum->over = std::min<std::chrono::milliseconds>(minimum->over, std::chrono::hours(24 * 365));
    }
    _virtualClock = _options.clock != Clock::system();
    _state = new State(_options, _lookup);
}

PocoTransport::~PocoTransport()
{
    State* state = _state;
    if (state->process == ::getpid()) delete state; // else it is the parent's, with locks nobody may ever release here
}

Response PocoTransport::exchange(Exchange& exchange)
{
    ++_exchanges;
    const TimePoint started = Steady::now();
    Attempt& attempt = exchange.attempt;
    const auto reader = std::make_shared<ResponseReader>(_options, realDeadline(exchange.deadline), exchange.cancellation);
    ErrorPtr failure;
    try {
        Response response = carry(exchange, reader);
        attempt.total = Steady::now() - started;
        return response;
    } catch (const Error& error) {
        // A server may close an idle connection just as we send on it; the pipeline may repeat that one without further ado.
        const bool stale = attempt.reusedConnection && !reader->gotSome() && dynamic_cast<const ConnectionLost*>(&error);
        if (stale) reader->lease().countStale();
        attempt.error = error.name();
        failure = annotated(error, exchange.url.origin(), attempt.delivery, stale);
    } catch (const BodyFailure& body) {
        ErrorDetails details = body.error->details();
        details.delivery = attempt.delivery; // of this request, not of the one that the body was read from
        details.staleConnection = false;
        attempt.error = body.error->name();
        failure = body.error->with(std::move(details));
    } catch (...) { // the request body's own
        attempt.total = Steady::now() - started;
        reader->abandon();
        throw;
    }
    attempt.total = Steady::now() - started;
    reader->abandon();
    failure->rethrow();
    return {};
}

Response PocoTransport::carry(Exchange& exchange, const std::shared_ptr<ResponseReader>& reader)
{
    RequestWriter writer(exchange, _options);
    if (exchange.method == "HEAD") reader->answersHead();

    connect(exchange, *reader);
    Stopwatch watch;
    writer.write(*reader);
    ResponseHead head = reader->readHead();

    Attempt& attempt = exchange.attempt;
    attempt.firstByte = watch.lap();
    attempt.delivery = Delivery::Answered;
    attempt.status = head.status;
    const bool encoded = writer.asksForEncoding() && !reader->finished();
    BodySourcePtr body = encoded ? decoded(head, reader, _options.maxBodyBytes) : reader;
    return {std::move(head), std::move(body)};
}

void PocoTransport::connect(Exchange& exchange, ResponseReader& reader)
{
    const Origin& origin = exchange.url.origin();
    Attempt& attempt = exchange.attempt;
    State& mine = state();
    Watch& watch = reader.watch();
    watch.check(Phase::Pool);

    Lease& lease = reader.lease();
    lease = mine.pool->acquire(origin, watch);
    attempt.reusedConnection = static_cast<bool>(lease);
    if (lease)
        ++_reused;
    else {
        auto connection = open(origin, attempt, mine, watch);
        if (origin.isTls()) {
            Stopwatch handshake;
            connection->secure(tlsContext(mine), watch, PhaseLimit(Phase::Tls, _options.tlsTimeout));
            attempt.tls = handshake.lap();
        }
        lease.fill(std::move(connection));
    }
    attempt.address = lease->address();
}

std::unique_ptr<Connection> PocoTransport::open(const Origin& origin, Attempt& attempt, State& mine, Watch& watch)
{
    const Origin& peer = _proxy ? *_proxy : origin;
    try {
        Stopwatch phases;
        PhaseLimit resolveLimit(Phase::Resolve, _options.connectTimeout);
        const TimePoint end = resolveLimit.end(); // all of it shares the time
        const auto addresses = mine.resolver.resolve(peer.host, watch, resolveLimit);
        attempt.resolve = phases.lap();
        PhaseLimit connectLimit(Phase::Connect, _options.connectTimeout, end);
        auto connection = transport::connect(origin, addresses, peer.port, watch, connectLimit);
        attempt.address = connection->address();
        ++_opened;
        if (_proxy && origin.isTls())
            openTunnel(*connection, watch, PhaseLimit(Phase::Tunnel, _options.connectTimeout, end), _options.maxHeadBytes);
        attempt.connect = phases.lap();
        return connection;
    } catch (const TransportError& error) {
        if (!_proxy) throw;
        atProxy(error, *_proxy)->rethrow();
        return nullptr;
    }
}

TimePoint PocoTransport::realDeadline(TimePoint deadline) const
{
    if (deadline == never || !_virtualClock) return deadline;
    const Duration left = deadline - _options.clock->now();
    const TimePoint now = Steady::now();
    return left >= never - now ? never : now + left;
}

TlsContext& PocoTransport::tlsContext(State& state) const
{
    const std::lock_guard<std::mutex> lock(state.tlsMutex);
    const ForkSection inside;
    if (!state.tls) state.tls = std::make_unique<TlsContext>(_options.tls);
    return *state.tls;
}

PocoTransport::State& PocoTransport::state() const
{
    State* current = _state.load(std::memory_order_acquire);
    if (current->process == ::getpid()) return *current;
    // In a forked child. The parent's state is left as it is, for ever: its locks, threads and sockets are not ours.
    auto fresh = std::make_unique<State>(_options, _lookup);
    if (_state.compare_exchange_strong(current, fresh.get())) return *fresh.release();
    return *current;
}

bool PocoTransport::identifiesItselfTo(const Origin& origin) const
{
    const auto& all = _options.tls.clientCertificates;
    return origin.isTls() && std::any_of(all.begin(), all.end(), [&origin](const ClientCertificate& each) {
               return hostOfOption(each.host, "TlsOptions::clientCertificates") == withoutRootDot(origin.host);
           });
}

TlsReport PocoTransport::tlsReport(std::string_view url, const CancellationToken& cancellation)
{
    const Url target(url);
    const Origin& origin = target.origin();
    if (!origin.isTls()) fail<InvalidUrl>("plain http has no TLS to report on: " + origin.text(), "Name an https URL.");
    State& mine = state();
    Watch watch(never, cancellation); // ended by connectTimeout and tlsTimeout
    Attempt attempt;
    try {
        TlsContext& context = tlsContext(mine);
        const auto connection = open(origin, attempt, mine, watch);
        return inspectTls(context, *connection, watch, PhaseLimit(Phase::Tls, _options.tlsTimeout));
    } catch (const Error& error) {
        annotated(error, origin, Delivery::NotSent)->rethrow();
        return {};
    }
}

TransportStats PocoTransport::stats() const
{
    TransportStats stats;
    stats.exchanges = _exchanges;
    stats.connectionsOpened = _opened;
    stats.reused = _reused;
    state().pool->count(stats);
    return stats;
}

void PocoTransport::closeIdle() { state().pool->closeIdle(); }

} // namespace tollgate::transport
