#include "pipeline/Fixture.h"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

namespace {

constexpr Duration hang = 1h;       ///< of an exchange that hears neither of deadlines nor of cancels
constexpr std::size_t workers = 64; ///< exchanges at a time

/// Has to fetch a token first, which hangs.
struct HangingAuth final : AuthStrategy
{
    Identity identity() const override { return {"", "somebody"}; }
    Carriers carriers() const override { return {{"Authorization"}, {}}; }
    Acquired acquire(const AuthContext&) override { return Request("POST", "/hang"); }
};

/// Asynchronous calls by name, and how and when they ended. In simulated time "when" is exact.
struct Calls : Fixture
{
    struct End
    {
        std::string error;
        Duration after{};
    };

    Calls()
    {
        transport->otherwise([this](Exchange& exchange) {
            const std::string_view path = exchange.url.path();
            if (path == "/v1/hang") clock->parker()->park(clock->now() + hang);
            ResponseHead head;
            head.status = path == "/v1/busy" && clock->now() == _start ? 503 : 200;
            if (head.status == 503) head.headers = field("Retry-After", "30");
            return Response(head, std::string());
        });
    }

    /// To an account of its own, all of which the 503 shuts.
    Request busy(const char* key) const
    {
        return to("https://busy.example.com/v1").auth(bearer(Secret(key))).timeout(24h).build().get("/busy");
    }

    void begin(const std::string& name, const Request& request)
    {
        ++_begun;
        request.sendAsync([this, name, start = clock->now()](const Result<Response>& result) {
            const std::lock_guard<std::mutex> lock(_mutex);
            _ended.emplace(name, End{result ? "" : result.error().name(), clock->now() - start});
            _all.notify_all();
        });
    }

    /// Time passes only when nobody has anything left to do now.
    void pass(Duration time) const { clock->parker()->park(clock->now() + time); }

    void waitForAll()
    {
        clock->leave();
        {
            std::unique_lock<std::mutex> lock(_mutex);
            _all.wait(lock, [this] { return _ended.size() == _begun; });
        }
        clock->enter();
        pass(1s); // no worker holds a call any more, so none is the last to hold the transport
    }

    void check(const std::string& name, const std::string& error, Duration low, Duration high)
    {
        const End& end = _ended.find(name)->second;
        BOOST_TEST(end.error == error, name << ": " << end.error);
        BOOST_TEST((end.after >= low && end.after <= high),
                   name << " ended after " << std::chrono::duration<double>(end.after).count() << " s");
    }
    void check(const std::string& name, const std::string& error, Duration exactly) { check(name, error, exactly, exactly); }

private:
    const TimePoint _start = clock->now();
    std::mutex _mutex;
    std::condition_variable _all;
    std::size_t _begun = 0;
    std::multimap<std::string, End> _ended;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(DispatcherTest, Calls)

BOOST_AUTO_TEST_CASE(a_wait_ends_in_time_while_another_call_hangs)
{
    begin("busy", busy("a"));
    pass(1s);
    begin("hangs", to().timeout(24h).build().get("/hang"));
    waitForAll();
    check("busy", "", 30s, 35s);
    check("hangs", "", hang);
}

BOOST_AUTO_TEST_CASE(deadlines_and_cancels_are_kept_while_every_exchange_hangs)
{
    CancellationSource source;
    const Client limited = to("https://limited.example.com").limit(perMinute(1)).timeout(24h).build();
    const Client fetching = to("https://fetching.example.com/v1").auth(std::make_shared<HangingAuth>()).timeout(24h).build();
    limited.get("/x").send();
    begin("back-off, cancelled", busy("a").cancellation(source.token()));
    begin("back-off, then its deadline", busy("b").timeout(40s));
    begin("permit, cancelled", limited.get("/x").cancellation(source.token()));
    begin("permit, then its deadline", limited.get("/x").timeout(70s));
    begin("token, leading until its deadline", fetching.get("/x").timeout(20s));
    begin("token, following, cancelled", fetching.get("/x").cancellation(source.token()));
    pass(1s);
    const Client api = to().timeout(24h).build();
    for (std::size_t i = 0; i < workers; ++i) begin("hangs", api.get("/hang"));
    pass(1s);
    begin("queued", api.get("/x"));
    begin("queued, cancelled", api.get("/x").cancellation(source.token()));
    begin("queued, with a deadline", api.get("/x").timeout(200ms));
    CancellationSource before;
    before.cancel();
    begin("cancelled before", api.get("/x").cancellation(before.token()));
    pass(3s);
    source.cancel();
    waitForAll();

    check("queued, with a deadline", "Timeout", 200ms);
    check("queued, cancelled", "Cancelled", 3s);
    check("cancelled before", "Cancelled", 0s);
    check("back-off, cancelled", "Cancelled", 5s);
    check("back-off, then its deadline", "Timeout", 40s);
    check("permit, cancelled", "Cancelled", 5s);
    check("permit, then its deadline", "RateLimited", 70s);
    check("token, leading until its deadline", "Timeout", 20s);
    check("token, following, cancelled", "Cancelled", 5s);
    check("queued", "", hang - 10s, hang); // the last free worker leaves it to the others
}

BOOST_AUTO_TEST_SUITE_END()
