#include "Load.h"

#include "tollgate/Error.h"

#include <thread>
#include <utility>
#include <vector>

namespace tollgate::soak {

using namespace std::chrono_literals;

namespace {

constexpr unsigned threads = 4;
constexpr std::size_t mostInFlight = 24;

/// Spreads the numbers evenly (the finaliser of MurmurHash3).
std::uint64_t scramble(std::uint64_t number)
{
    number ^= number >> 33;
    number *= 0xff51afd7ed558ccdULL;
    number ^= number >> 33;
    number *= 0xc4ceb9fe1a85ec53ULL;
    return number ^ number >> 33;
}

TransportPtr makeTransport(const std::string& caFile)
{
    TransportOptions options;
    options.tls.caFile = caFile;
    options.maxConnectionsPerOrigin = 32; // the servers have more threads
    return Transport::create(options);
}

Client makeClient(const std::string& url, const TransportPtr& transport, AuthStrategyPtr auth, const WindowLimit& limit)
{
    RetryPolicy retry;
    retry.baseDelay = retry.throttledDelay = 1ms;
    return Client::to(url).transport(transport).auth(std::move(auth)).limit(limit).retry(retry).timeout(10s).build();
}

} // namespace

/// One call.
struct Load::Plan
{
    const Client* client;
    Fault fault = Fault::None;
    bool async = false;
    bool cancel = false;
    bool post = false;
};

Load::Load(const Servers& servers, std::uint64_t seed)
    : _seed(seed)
    , _transport(makeTransport(servers.caFile))
    , _plain(makeClient(servers.plain, _transport, bearer(Secret("soak-key-of-the-plain-client")), WindowLimit(100'000, 100ms)))
    , _secure(makeClient(servers.secure, _transport, basic("soak", Secret("a password")), WindowLimit(100'000, 100ms)))
    , _rotating(makeClient(
          servers.secure, _transport,
          bearer(callbackSource("rotating", [this] { return Secret("soak-key-version-" + std::to_string(_keyVersion.load())); })),
          WindowLimit(100'000, 100ms)))
    , _limited(makeClient(servers.plain, _transport, bearer(Secret("soak-key-of-the-limited-client")), WindowLimit(20, 50ms)))
    , _stranger(makeClient(servers.stranger, _transport, anonymous(), WindowLimit(100'000, 100ms)))
{}

/// Of a thousand: 900 go well, the rest have each fault in turn, some on top of it are cancelled, run into a limit, or meet a
/// server that cannot prove who it is.
Load::Plan Load::planOf(std::uint64_t number) const
{
    const std::uint64_t draw = scramble(number ^ scramble(_seed));
    const auto per = static_cast<unsigned>(draw % 1000);
    const auto other = static_cast<unsigned>((draw >> 20) % 100);
    Plan plan;
    plan.client = other < 60 ? &_plain : other < 85 ? &_secure : &_rotating;
    plan.async = (draw >> 40) % 4 == 0;
    plan.post = (draw >> 44) % 8 == 0;
    if (per < 60) {
        constexpr std::array<Fault, 12> some{Fault::Chunked,    Fault::Drip,        Fault::CloseAfter,  Fault::Reset,
                                             Fault::Cut,        Fault::Nonsense,    Fault::ServerError, Fault::Unavailable,
                                             Fault::CloseAfter, Fault::ServerError, Fault::Chunked,     Fault::Unavailable};
        plan.fault = some[per % some.size()];
    } else if (per < 62) {
        plan.fault = Fault::Stall;
        plan.cancel = per == 61;
        plan.async = plan.async || plan.cancel;
    } else if (per < 64) {
        plan.client = &_stranger;
    } else if (per < 75) {
        plan.client = &_limited;
        if (other == 0) plan.fault = Fault::Throttled;
    } else if (per == 75) {
        plan.client = &_rotating;
        plan.fault = Fault::Unauthorized;
    }
    return plan;
}

void Load::count(const Result<Response>& result)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    ++_tally[result ? "OK" : result.error().name()];
    ++_outcomes;
}

void Load::call(std::uint64_t number)
{
    const Plan plan = planOf(number);
    Request request = plan.post ? plan.client->post(pathOf(plan.fault)) : plan.client->get(pathOf(plan.fault));
    if (plan.post) request.json("{\"soak\":\"a small body\"}");
    // A stall is cut short; a thousandth of the others have little time as well, and 429s are not slept through.
    request.timeout(plan.fault == Fault::Stall ? 20ms : plan.client == &_limited ? 60ms : 10s);
    if (plan.fault == Fault::Unauthorized || number % 1000 == 0) ++_keyVersion;
    if (!plan.async) {
        count(plan.client->trySend(request));
        return;
    }
    {
        std::unique_lock<std::mutex> lock(_mutex);
        _landed.wait(lock, [this] { return _inFlight < mostInFlight; });
        ++_inFlight;
    }
    CancellationSource source;
    request.cancellation(source.token());
    request.sendAsync([this](const Result<Response>& result) {
        count(result);
        const std::lock_guard<std::mutex> lock(_mutex);
        --_inFlight;
        _landed.notify_one();
    });
    if (plan.cancel) source.cancel();
}

void Load::drain()
{
    std::unique_lock<std::mutex> lock(_mutex);
    _landed.wait_for(lock, 30s, [this] { return _inFlight == 0; });
}

void Load::warmUp()
{
    // More calls at a time than the library has workers, over connections that end: each thread of either side comes to do all of
    // its work, and keeps what threads keep (OpenSSL's generators of random numbers, an event descriptor).
    const CancellationSource source;
    for (int round = 0; round < 12; ++round) {
        for (int i = 0; i < 96; ++i) {
            {
                const std::lock_guard<std::mutex> lock(_mutex);
                ++_inFlight;
            }
            const Client& client = i % 3 == 0 ? _plain : _secure;
            const Fault fault = round % 2 == 0 ? Fault::Drip : Fault::CloseAfter;
            client.get(pathOf(fault)).cancellation(source.token()).sendAsync([this](const Result<Response>&) {
                const std::lock_guard<std::mutex> lock(_mutex);
                --_inFlight;
                _landed.notify_one();
            });
        }
        drain();
        _transport->closeIdle();
    }
}

void Load::run(std::uint64_t count)
{
    const std::uint64_t first = _calls;
    std::atomic<std::uint64_t> next{first};
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < threads; ++i)
        workers.emplace_back([&] {
            for (std::uint64_t number = next++; number < first + count; number = next++) call(number);
        });
    for (auto& worker : workers) worker.join();
    drain();
    _calls = first + count;
    _transport->closeIdle();
}

std::map<std::string, std::uint64_t> Load::tally() const
{
    const std::lock_guard<std::mutex> lock(_mutex);
    return _tally;
}

} // namespace tollgate::soak
