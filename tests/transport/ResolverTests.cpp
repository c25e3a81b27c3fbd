#include "Support.h"
#include "support/OpenDescriptors.h"

#include "transport/Resolver.h"

#include <condition_variable>

using namespace tollgate;
using namespace tollgate::transport;
using namespace tollgate::transport::test;

namespace {

/// A look-up that a test opens and shuts.
struct Gate
{
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    int calls = 0;

    Resolver::Answer lookup(const std::string& host)
    {
        std::unique_lock<std::mutex> lock(mutex);
        ++calls;
        changed.notify_all();
        changed.wait(lock, [this] { return open; });
        if (host == "missing.test") return {{}, "Name or service not known"};
        return {{Poco::Net::IPAddress("192.0.2.1"), Poco::Net::IPAddress("2001:db8::1")}, ""};
    }
    void release()
    {
        const std::lock_guard<std::mutex> lock(mutex);
        open = true;
        changed.notify_all();
    }
    int count()
    {
        const std::lock_guard<std::mutex> lock(mutex);
        return calls;
    }
};

Resolver::Addresses resolve(Resolver& resolver, const std::string& host, TimePoint deadline = never, CancellationToken token = {},
                            std::chrono::milliseconds limit = 20s)
{
    Watch watch(deadline, std::move(token));
    PhaseLimit phase(Phase::Resolve, limit);
    return resolver.resolve(host, watch, phase);
}

} // namespace

BOOST_AUTO_TEST_SUITE(ResolverTests)

BOOST_AUTO_TEST_CASE(literals_and_localhost_take_no_lookup)
{
    Resolver resolver([](const std::string&) -> Resolver::Answer { throw std::logic_error("asked"); });
    BOOST_TEST(resolve(resolver, "192.0.2.7").at(0).toString() == "192.0.2.7");
    BOOST_TEST(resolve(resolver, "2001:db8::7").at(0).toString() == "2001:db8::7");
    BOOST_TEST(resolve(resolver, "localhost").size() == 2u);
    errorOf<NameResolutionError>([&] { resolve(resolver, "elsewhere.test"); });
}

BOOST_AUTO_TEST_CASE(answers_are_kept_for_a_while_and_failures_are_not)
{
    const auto gate = std::make_shared<Gate>();
    gate->open = true;
    Resolver resolver([gate](const std::string& host) { return gate->lookup(host); });
    BOOST_TEST(resolve(resolver, "api.test").size() == 2u);
    BOOST_TEST(resolve(resolver, "api.test").size() == 2u);
    BOOST_TEST(gate->count() == 1);
    const auto error = errorOf<NameResolutionError>([&] { resolve(resolver, "missing.test"); });
    BOOST_TEST(error->details().message.find("missing.test") != std::string::npos);
    errorOf<NameResolutionError>([&] { resolve(resolver, "missing.test"); });
    BOOST_TEST(gate->count() == 3);
}

BOOST_AUTO_TEST_CASE(one_flight_a_name)
{
    const auto gate = std::make_shared<Gate>();
    Resolver resolver([gate](const std::string& host) { return gate->lookup(host); });
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (int i = 0; i < 6; ++i)
        threads.emplace_back([&] {
            if (resolve(resolver, "api.test").size() == 2) ++right;
        });
    BOOST_REQUIRE(eventually([&] { return gate->count() == 1; }));
    std::this_thread::sleep_for(30ms);
    gate->release();
    for (auto& thread : threads) thread.join();
    BOOST_TEST(right == 6);
    BOOST_TEST(gate->count() == 1);
}

BOOST_AUTO_TEST_CASE(a_stuck_lookup_holds_nobody)
{
    const auto gate = std::make_shared<Gate>();
    {
        Resolver resolver([gate](const std::string& host) { return gate->lookup(host); });
        const auto inTime = errorOf<Timeout>([&] { resolve(resolver, "stuck.test", never, {}, 50ms); });
        BOOST_TEST(inTime->details().message.find("connectTimeout") != std::string::npos);
        errorOf<Timeout>([&] { resolve(resolver, "stuck.test", std::chrono::steady_clock::now() + 50ms); });
        CancellationSource source;
        std::thread canceller([&] {
            std::this_thread::sleep_for(30ms);
            source.cancel();
        });
        errorOf<Cancelled>([&] { resolve(resolver, "stuck.test", never, source.token()); });
        canceller.join();
        // Stuck ones are bounded: the ninth name waits in line.
        for (int i = 0; i < 12; ++i)
            errorOf<Timeout>([&] { resolve(resolver, "stuck" + std::to_string(i) + ".test", never, {}, 20ms); });
        BOOST_TEST(gate->count() <= 8);
    } // the resolver goes while its workers are stuck
    gate->release();
}

BOOST_AUTO_TEST_CASE(who_gives_up_leaves_no_descriptor_behind)
{
    const auto gate = std::make_shared<Gate>();
    Resolver resolver([gate](const std::string& host) { return gate->lookup(host); });
    errorOf<Timeout>([&] { resolve(resolver, "stuck.test", never, {}, 1ms); });
    const tests::OpenDescriptors before;
    for (int i = 0; i < 100; ++i) errorOf<Timeout>([&] { resolve(resolver, "stuck.test", never, {}, 1ms); });
    BOOST_TEST(before.leaked() == "");
    gate->release();
}

namespace {

/// Looks up names that begin with "stuck" until the end of the test, all others at once.
struct StuckNames
{
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    std::vector<std::string> asked;

    Resolver::Answer lookup(const std::string& host)
    {
        std::unique_lock<std::mutex> lock(mutex);
        asked.push_back(host);
        if (host.rfind("stuck", 0) == 0) changed.wait(lock, [this] { return ended; });
        return {{Poco::Net::IPAddress("192.0.2.1")}, ""};
    }
    std::size_t count(const std::string& prefix)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        return static_cast<std::size_t>(
            std::count_if(asked.begin(), asked.end(), [&](const std::string& name) { return name.rfind(prefix, 0) == 0; }));
    }
    void end()
    {
        const std::lock_guard<std::mutex> lock(mutex);
        ended = true;
        changed.notify_all();
    }
};

/// As many callers as names, each waiting for its own until it is told to go.
class Callers
{
public:
    Callers(Resolver& resolver, int count)
    {
        for (int i = 0; i < count; ++i)
            _threads.emplace_back([this, &resolver, i] {
                try {
                    resolve(resolver, "stuck" + std::to_string(i) + ".test", never, _source.token());
                } catch (const Error&) { // told to go
                }
            });
    }
    ~Callers()
    {
        _source.cancel();
        for (auto& thread : _threads) thread.join();
    }
    Callers(const Callers&) = delete;
    Callers& operator=(const Callers&) = delete;

private:
    CancellationSource _source;
    std::vector<std::thread> _threads;
};

} // namespace

BOOST_AUTO_TEST_CASE(stuck_names_block_no_other)
{
    const auto names = std::make_shared<StuckNames>();
    Resolver resolver([names](const std::string& host) { return names->lookup(host); });
    {
        const Callers callers(resolver, 20); // more than the usual eight threads
        BOOST_TEST(eventually([&] { return names->count("stuck") == 20; }));
        for (int i = 0; i < 5; ++i) BOOST_TEST(resolve(resolver, "fine" + std::to_string(i) + ".test").size() == 1u);
    }
    names->end();
}

BOOST_AUTO_TEST_CASE(threads_stay_bounded_when_everything_is_stuck)
{
    const auto names = std::make_shared<StuckNames>();
    Resolver resolver([names](const std::string& host) { return names->lookup(host); });
    {
        const Callers callers(resolver, 80);
        BOOST_TEST(eventually([&] { return names->count("stuck") == 64; }));
        std::this_thread::sleep_for(200ms);
        BOOST_TEST(names->count("stuck") == 64u);
        errorOf<Timeout>([&] { resolve(resolver, "late.test", never, {}, 150ms); });
    }
    names->end();
    // Of the rest nobody wants to know any more, so they are not looked up. The next one is.
    BOOST_TEST(resolve(resolver, "fine.test").size() == 1u);
    BOOST_TEST(names->count("stuck") == 64u);
    BOOST_TEST(names->count("late") == 0u);
}

BOOST_AUTO_TEST_CASE(the_system_knows_its_own_name)
{
    Resolver resolver;
    // No label has 64 characters, so the system says no without asking a name server, which might not answer.
    errorOf<NameResolutionError>([&] { resolve(resolver, std::string(64, 'a') + ".invalid"); });
}

BOOST_AUTO_TEST_SUITE_END()
