// A shell loop of tollgate request, in time made short: 300 processes, one after the other and four at a time, some of them
// killed, never meet a 429.

#include "programs/Command.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <csignal>
#include <random>
#include <thread>

using namespace tollgate;
using namespace tollgate::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned perWindow = 40;
constexpr auto window = 2s;

testing::SandboxOptions options()
{
    testing::SandboxOptions options;
    options.bentoPerWindow = perWindow;
    options.window = window;
    return options;
}

struct Fixture : CommandFixture
{
    Fixture() : CommandFixture(options()) {}

    std::vector<std::string> words(const std::string& atMost) const
    {
        return {"request",
                "GET",
                url(Api::Bento, "/fetch/tags"),
                "--auth",
                "basic-site:env:BENTO_PUBLISHABLE_KEY:env:BENTO_SECRET_KEY:env:BENTO_SITE_UUID",
                "--limit",
                atMost,
                "--limit",
                "lockout",
                "--deadline",
                "20s"};
    }

    /// The most requests that came within one window, wherever that begins.
    std::size_t mostInAWindow() const
    {
        const auto requests = sandbox.requests(Api::Bento);
        std::size_t most = 0;
        for (std::size_t first = 0, next = 0; next < requests.size(); ++next) {
            while (requests[next].at - requests[first].at >= window) ++first;
            most = std::max(most, next - first + 1);
        }
        return most;
    }
    const std::string limit = std::to_string(perWindow) + "/2s";
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(ShellLoop, Fixture)

BOOST_AUTO_TEST_CASE(three_hundred_processes_meet_no_429)
{
    constexpr int one = 100, together = 200, workers = 4, killEach = 25;
    const Environment environment = withState(goodEnvironment());
    for (int i = 0; i < one; ++i) {
        const auto done = runProgram("tollgate", words(limit), environment);
        BOOST_TEST(done.status == 0, done.all());
    }
    std::atomic<int> left{together}, good{0}, killed{0};
    std::vector<std::thread> threads;
    threads.reserve(workers);
    for (int worker = 0; worker < workers; ++worker)
        threads.emplace_back([&, worker] {
            std::mt19937 random(static_cast<unsigned>(worker));
            for (int number = left--; number > 0; number = left--) {
                Process process("tollgate", words(limit), environment);
                const bool kill = number % killEach == 0;
                if (kill) {
                    if (number != together) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
                    process.signal(SIGKILL);
                }
                const auto done = process.wait();
                killed += done.status == 128 + SIGKILL;
                good += done.status == 0;
            }
        });
    for (std::thread& thread : threads) thread.join();

    BOOST_TEST(good + killed == together);
    BOOST_TEST(killed > 0);
    BOOST_TEST(sandbox.throttled() == 0U);
    for (const auto& request : sandbox.requests(Api::Bento)) BOOST_TEST((request.status == 200 || request.status == 0));
    BOOST_TEST(sandbox.requests(Api::Bento).size() >= static_cast<std::size_t>(one + good));
    BOOST_TEST(mostInAWindow() <= perWindow);
    BOOST_TEST_MESSAGE("shell loop: " << one + together << " processes, " << killed << " killed, most in a window "
                                      << mostInAWindow() << " of " << perWindow);
}

BOOST_AUTO_TEST_CASE(without_a_store_they_would_meet_some)
{
    testing::SandboxOptions strict;
    strict.bentoPerWindow = 3; // in a minute: five processes take far less
    const testing::Sandbox other(strict);
    Environment environment = withState(goodEnvironment());
    auto each = words("3/1m");
    each[2] = other.baseUrl(Api::Bento) + "/fetch/tags";
    each.insert(each.end(), {"--store", "none", "--retries", "0"});
    environment["BENTO_PUBLISHABLE_KEY"] = other.bento().publishableKey;
    environment["BENTO_SECRET_KEY"] = other.bento().secretKey;
    environment["BENTO_SITE_UUID"] = other.bento().siteUuid;
    for (int i = 0; i < 5; ++i) runProgram("tollgate", each, environment);
    BOOST_TEST(other.throttled() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
