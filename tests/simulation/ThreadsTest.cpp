// 64 threads on one client: limits, lockout rules, a rotation of the key and cancellations all at once, in simulated time. Run it
// under ThreadSanitizer.

#include "tollgate/testing/ScriptedTransport.h"
#include "tollgate/testing/VirtualClock.h"
#include "tollgate/tollgate.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace tollgate;
using namespace std::chrono_literals;

namespace {

constexpr unsigned threads = 64;

/// A server behind the scripted transport that knows which keys are good and looks at what comes.
class Server
{
public:
    explicit Server(std::shared_ptr<Clock> clock) : _clock(std::move(clock)) {}

    Response answer(Exchange& exchange)
    {
        const TimePoint arrival = _clock->now();
        const std::string key = std::string(exchange.headers.get("Authorization").value_or("")).substr(7);
        bool good = false;
        {
            const std::lock_guard<std::mutex> lock(_mutex);
            good = std::find(_goodKeys.begin(), _goodKeys.end(), key) != _goodKeys.end();
            _arrivals.push_back(arrival);
            _mostAtOnce = std::max(_mostAtOnce, ++_inFlight);
            ++(key == "key-old-0001" ? _oldUses : _newUses);
            _bad += good ? 0U : 1U;
        }
        _clock->parker()->park(arrival + 20ms + 1ms * static_cast<int>(arrival.time_since_epoch().count() % 30));
        const std::lock_guard<std::mutex> lock(_mutex);
        --_inFlight;
        ResponseHead head;
        head.status = good ? 200 : 401;
        return Response(head, std::string("{}"));
    }

    void accepts(std::vector<std::string> keys)
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        _goodKeys = std::move(keys);
    }

    // Asked when all is quiet.
    std::size_t mostInAnyWindow(Duration window)
    {
        std::sort(_arrivals.begin(), _arrivals.end());
        std::size_t most = 0, first = 0;
        for (std::size_t i = 0; i < _arrivals.size(); ++i) {
            while (_arrivals[first] + window <= _arrivals[i]) ++first;
            most = std::max(most, i - first + 1);
        }
        return most;
    }
    std::size_t arrivals() const { return _arrivals.size(); }
    unsigned mostAtOnce() const { return _mostAtOnce; }
    unsigned bad() const { return _bad; }
    unsigned oldUses() const { return _oldUses; }
    unsigned newUses() const { return _newUses; }

private:
    std::shared_ptr<Clock> _clock;
    std::mutex _mutex;
    std::vector<std::string> _goodKeys{"key-old-0001"};
    std::vector<TimePoint> _arrivals;
    unsigned _inFlight = 0;
    unsigned _mostAtOnce = 0;
    unsigned _bad = 0;
    unsigned _oldUses = 0;
    unsigned _newUses = 0;
};

struct Counts
{
    std::atomic<unsigned> good{0};
    std::atomic<unsigned> cancelled{0};
    std::atomic<unsigned> tooLate{0};  ///< refused since it could not go in time, or out of time in line
    std::atomic<unsigned> rejected{0}; ///< kept back, or refused by the server
    std::atomic<unsigned> other{0};

    void count(const Result<Response>& result)
    {
        if (result)
            ++good;
        else if (dynamic_cast<const Cancelled*>(&result.error()))
            ++cancelled;
        else if (dynamic_cast<const RateLimited*>(&result.error()) || dynamic_cast<const Timeout*>(&result.error()))
            ++tooLate;
        else if (dynamic_cast<const CredentialRejected*>(&result.error()) || dynamic_cast<const LockedOut*>(&result.error()))
            ++rejected;
        else
            ++other;
    }
    unsigned all() const { return good + cancelled + tooLate + rejected + other; }
};

struct Stage
{
    std::shared_ptr<testing::VirtualClock> clock = testing::VirtualClock::create();
    std::shared_ptr<testing::ScriptedTransport> transport = testing::ScriptedTransport::create(clock);
    Server server{clock};
    std::atomic<bool> rotated{false};
    TimePoint start = clock->now();

    Stage()
    {
        transport->otherwise([this](Exchange& exchange) { return server.answer(exchange); });
    }

    ClientBuilder client()
    {
        ClientBuilder builder = Client::to("https://api.example.com/v1");
        builder.transport(transport).auth(bearer(callbackSource(
            "the key", [this] { return Secret(rotated ? std::string("key-new-0002") : std::string("key-old-0001")); })));
        return builder;
    }

    void sleepUntil(Duration sinceStart) const { clock->parker()->park(start + sinceStart); }

    /// Each of the threads, and `others` beside them.
    void run(const std::function<void(unsigned)>& each, std::vector<std::function<void()>> others) const
    {
        for (unsigned number = 0; number < threads; ++number) others.emplace_back([&each, number] { each(number); });
        clock->run(others);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(ThreadsTest, Stage)

BOOST_AUTO_TEST_CASE(limits_lockout_rotation_and_cancellation_at_once)
{
    constexpr unsigned callsEach = 30;
    const Client api = client().limit(WindowLimit(50, 10s), WindowLimit(400, 5min), lockout().atOnce(8)).timeout(1h).build();
    Counts counts;
    std::mutex mutex;
    std::vector<CancellationSource> cancellable;

    run(
        [&](unsigned number) {
            for (unsigned i = 0; i < callsEach; ++i) {
                Request request = api.get("/things/" + std::to_string(number));
                if ((number + i) % 7 == 0) {
                    CancellationSource source;
                    request.cancellation(source.token());
                    const std::lock_guard<std::mutex> lock(mutex);
                    cancellable.push_back(source);
                }
                if ((number + i) % 11 == 0) request.timeout(30s);
                counts.count(request.trySend());
            }
        },
        {[&] { // the key is rotated while requests fly: the old one stays good for a while
             sleepUntil(60s);
             server.accepts({"key-old-0001", "key-new-0002"});
             rotated = true;
             sleepUntil(120s);
             server.accepts({"key-new-0002"});
         },
         [&] {
             for (int round = 0; round < 120; ++round) {
                 sleepUntil(3s * round);
                 std::vector<CancellationSource> now;
                 {
                     const std::lock_guard<std::mutex> lock(mutex);
                     now.swap(cancellable);
                 }
                 for (CancellationSource& source : now) source.cancel();
             }
         }});

    BOOST_TEST(counts.all() == threads * callsEach);
    BOOST_TEST(counts.other == 0U);
    BOOST_TEST(counts.rejected == 0U);
    BOOST_TEST(counts.good > threads * callsEach / 2);
    BOOST_TEST(counts.cancelled > 0U);
    BOOST_TEST(counts.tooLate > 0U); // those with a short deadline
    BOOST_TEST(counts.good <= server.arrivals());
    BOOST_TEST(server.bad() == 0U);
    BOOST_TEST(server.oldUses() > 0U);
    BOOST_TEST(server.newUses() > 0U);
    BOOST_TEST(server.mostInAnyWindow(10s) <= 50U);
    BOOST_TEST(server.mostInAnyWindow(5min) <= 400U);
    BOOST_TEST(server.mostAtOnce() <= 8U);
    BOOST_TEST(api.stats().calls == threads * callsEach);
    BOOST_TEST(transport->sent().size() == server.arrivals());
    std::uint64_t uses = 0;
    for (const CredentialUse& use : api.credentialUsage()) uses += use.uses;
    BOOST_TEST(uses >= server.arrivals()); // a permit whose call was cancelled before it was sent is a use, too
    BOOST_TEST(uses <= server.arrivals() + counts.cancelled);
    BOOST_TEST((api.quota().gate == GateStanding::Open));
}

BOOST_AUTO_TEST_CASE(a_key_revoked_under_way_costs_what_is_in_flight)
{
    constexpr unsigned atOnce = 4;
    const Client api = client().limit(WindowLimit(1000, 10s), lockout().atOnce(atOnce)).timeout(20s).build();
    Counts before, between, after;
    run(
        [&](unsigned) {
            for (int i = 0; i < 10; ++i) {
                const Duration since = clock->now() - start;
                Counts& counts = since < 2s ? before : since < 60s ? between : after;
                counts.count(api.get("/things").trySend());
                clock->parker()->park(clock->now() + 500ms);
            }
            sleepUntil(70s);
            for (int i = 0; i < 5; ++i) after.count(api.get("/things").trySend());
        },
        {[&] {
            sleepUntil(2s);
            server.accepts({"key-new-0002"});
            sleepUntil(60s);
            rotated = true;
        }});
    BOOST_TEST(before.good > 0U);
    BOOST_TEST(server.bad() >= 1U);
    BOOST_TEST(server.bad() <= atOnce);
    BOOST_TEST(between.rejected > 0U);
    BOOST_TEST(after.good == threads * 5);
    BOOST_TEST(after.all() == threads * 5);
    BOOST_TEST(server.mostAtOnce() <= atOnce);
    BOOST_TEST(before.all() + between.all() + after.all() == threads * 15);
    BOOST_TEST(before.other + between.other + after.other == 0U);
}

BOOST_AUTO_TEST_CASE(first_come_first_served_and_no_deadline_is_overrun)
{
    constexpr Duration shortTimeout = 3s;
    const Client api = client().limit(WindowLimit(5, 1s)).timeout(1h).build();
    std::atomic<unsigned> refusedAtOnce{0}, refusedLater{0}, sentInTime{0}, sentLate{0};
    run(
        [&](unsigned number) {
            sleepUntil(1ms * number); // so there is an order
            const TimePoint joined = clock->now();
            Request request = api.get("/things/" + std::to_string(number));
            const bool hurried = number % 3 == 2;
            if (hurried) request.timeout(shortTimeout);
            const bool sent = static_cast<bool>(request.trySend());
            if (!hurried) return;
            const Duration took = clock->now() - joined;
            if (sent)
                ++(took <= shortTimeout ? sentInTime : sentLate);
            else
                ++(took == 0s ? refusedAtOnce : refusedLater);
        },
        {});
    std::vector<unsigned> order;
    for (const auto& sent : transport->sent())
        order.push_back(static_cast<unsigned>(std::stoul(sent.url.substr(sent.url.rfind('/') + 1))));
    BOOST_TEST(std::is_sorted(order.begin(), order.end()));
    BOOST_TEST(order.size() == threads - refusedAtOnce - refusedLater);
    BOOST_TEST(sentInTime > 0U);    // those near the front
    BOOST_TEST(refusedAtOnce > 0U); // those that would have come too late
    BOOST_TEST(refusedLater <= 2U); // what one is told at once is a lower bound, so at its edge it is not enough
    BOOST_TEST(sentLate == 0U);
    BOOST_TEST(server.mostInAnyWindow(1s) <= 5U);
}

BOOST_AUTO_TEST_SUITE_END()
