// --limit and --store: what one run of the command has used or learnt, the next one knows.

#include "programs/Command.h"

#include <Poco/JSON/Array.h>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

using namespace tollgate;
using namespace tollgate::test;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

unsigned modeOf(const std::string& path)
{
    struct stat info = {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777U : 0U;
}

const char* const goodLimits[] = {"100/min",        "10/s",           "1000/h",         "5000/day",
                                  "100/2s",         "1/250ms",        "100/1.5m",       "100/min:paced",
                                  "100/h:adaptive", "20/min:server",  "100/min:/fetch", "9/s:server:paced:/a:b",
                                  "lockout",        "lockout:strict", "1000000000/744h"};
const char* const badLimits[] = {
    "",         "100",      "/min",      "100/",      "0/min",           "-1/min",        "1.5/min",
    "x/min",    "100/0s",   "100/60",    "100/m",     "100/800h",        "100/-1s",       "100/min:fast",
    "100/min:", "lockouts", "lockout:x", "100 / min", "99999999999/min", "2000000000/min"};

struct Fixture : CommandFixture
{
    static constexpr const char* longWindow = "2/10m"; // far longer than any test takes

    Finished request(std::vector<std::string> more = {}, Environment environment = {}) const
    {
        environment.emplace("KEY", sandbox.bentoo().apiKey);
        std::vector<std::string> words{"request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:env:KEY", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        return tollgate(words, environment);
    }
    std::size_t sent() const { return sandbox.requests(Api::Bentoo).size(); }
    static std::string errorOf(const Finished& done, const char* member)
    {
        return textOf(onlyObject(done)->getObject("error"), member);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(LimitOption, Fixture)

BOOST_DATA_TEST_CASE_F(Fixture, takes_these_forms, boost::unit_test::data::make(goodLimits), limit)
{
    BOOST_TEST(tollgate({"request", "GET", "https://api.example.com/", "--limit", limit, "--curl"}).status == 0);
}

BOOST_DATA_TEST_CASE_F(Fixture, refuses_all_others_and_says_which_there_are, boost::unit_test::data::make(badLimits), limit)
{
    const auto done = request({std::string("--limit=") + limit});
    BOOST_TEST(done.status == 2);
    BOOST_TEST(errorOf(done, "type") == "UsageError");
    BOOST_TEST(errorOf(done, "hint") != "");
    BOOST_TEST(sent() == 0U);
}

BOOST_AUTO_TEST_CASE(runs_count_together)
{
    BOOST_TEST(request({"--limit", longWindow}).status == 0);
    BOOST_TEST(request({"--limit", longWindow}).status == 0);
    const auto third = request({"--limit", longWindow, "--deadline", "20s"});
    BOOST_TEST(third.status == 6);
    BOOST_TEST(errorOf(third, "type") == "RateLimited");
    BOOST_TEST(errorOf(third, "delivery") == "NotSent");
    BOOST_TEST(third.took.count() < 10'000); // refused at once, not at the deadline
    BOOST_TEST(third.err == "");
    BOOST_TEST(sent() == 2U);

    BOOST_TEST(request({"--limit", longWindow, "--store", "none"}).status == 0); // counts for itself
    BOOST_TEST(request().status == 0);                                           // no limit asked for
    BOOST_TEST(sent() == 4U);
}

BOOST_AUTO_TEST_CASE(waits_where_the_deadline_allows_it)
{
    BOOST_TEST(request({"--limit", "1/2s"}).status == 0);
    BOOST_TEST(request({"--limit", "1/2s"}).status == 0);
    const auto requests = sandbox.requests(Api::Bentoo);
    BOOST_REQUIRE(requests.size() == 2U);
    BOOST_TEST((requests[1].at - requests[0].at >= std::chrono::seconds(2)));
}

BOOST_AUTO_TEST_CASE(several_limits_all_hold)
{
    const std::vector<std::string> limits{"--limit", "100/s", "--limit", longWindow, "--deadline", "20s"};
    BOOST_TEST(request(limits).status == 0);
    BOOST_TEST(request(limits).status == 0);
    BOOST_TEST(request(limits).status == 6);
}

BOOST_AUTO_TEST_CASE(a_limit_can_be_for_a_path_alone)
{
    const std::vector<std::string> elsewhere{"--limit", "1/10m:/elsewhere", "--deadline", "20s"};
    const std::vector<std::string> here{"--limit", "1/10m:/v1/models", "--deadline", "20s"};
    for (int i = 0; i < 2; ++i) BOOST_TEST(request(elsewhere).status == 0);
    BOOST_TEST(request(here).status == 0);
    BOOST_TEST(request(here).status == 6);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_killed_after_it_has_sent_still_counts)
{
    sandbox.inject(Api::Bando, Fault::slow(std::chrono::seconds(60)));
    const std::vector<std::string> words{"request", "GET", url(Api::Bando, "/coolness"), "--limit", "1/10m", "--deadline", "20s"};
    Process process("tollgate", words, withState({}));
    for (int i = 0; i < 1000 && sandbox.connections() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    BOOST_REQUIRE(sandbox.connections() == 1U);
    process.signal(SIGKILL);
    BOOST_TEST(process.wait().status == 128 + SIGKILL);
    sandbox.clearFaults();
    BOOST_TEST(tollgate(words).status == 6);
    BOOST_TEST(sandbox.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(accounts_count_apart)
{
    const std::vector<std::string> words{
        "request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:env:OTHER", "--limit", "1/10m", "--deadline", "20s"};
    const Environment other{{"OTHER", sandbox.createBentooKey()}};
    BOOST_TEST(request({"--limit", "1/10m"}).status == 0);
    BOOST_TEST(tollgate(words, other).status == 0);
    BOOST_TEST(tollgate(words, other).status == 6);
}

BOOST_AUTO_TEST_CASE(a_file_is_one_account_from_wherever_it_is_named)
{
    const TemporaryFile key(sandbox.bentoo().apiKey);
    const std::string folder = key.path().substr(0, key.path().rfind('/'));
    const auto run = [&](const std::string& path) {
        return tollgate({"request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:file:" + path, "--limit", "1/10m",
                         "--deadline", "20s"})
            .status;
    };
    BOOST_TEST(run(key.path()) == 0);
    BOOST_TEST(run(folder + "/./file") == 6);
}

BOOST_AUTO_TEST_CASE(the_smaller_of_two_limits_counts_and_the_command_says_so)
{
    BOOST_TEST(request({"--limit", "1/10m"}).status == 0);
    const auto wider = request({"--limit", "50/10m", "--deadline", "20s"});
    BOOST_TEST(wider.status == 6);
    BOOST_TEST(has(wider.err, "different limits"), wider.err);
    BOOST_TEST(std::count(wider.err.begin(), wider.err.end(), '\n') == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(StoreOption, Fixture)

BOOST_AUTO_TEST_CASE(the_default_one_is_private_and_in_the_state_directory)
{
    BOOST_TEST(request({"--limit", longWindow}).status == 0);
    BOOST_TEST(modeOf(state.path() + "/tollgate") == 0700U);
    BOOST_TEST(modeOf(state.path() + "/tollgate/quota.db") == 0600U);
}

BOOST_AUTO_TEST_CASE(without_the_variable_it_is_below_the_home_directory)
{
    const TemporaryDirectory home;
    for (const char* none : {"", "relative/path"}) // the latter is to be ignored, as the specification has it
        BOOST_TEST(request({"--limit", "5/10m"}, {{"XDG_STATE_HOME", none}, {"HOME", home.path()}}).err == "");
    BOOST_TEST(modeOf(home.path() + "/.local/state/tollgate/quota.db") == 0600U);
    BOOST_TEST(::access("relative", F_OK) != 0);
}

BOOST_AUTO_TEST_CASE(a_default_one_that_cannot_be_used_stops_nothing_and_says_so_in_one_line)
{
    const TemporaryFile file("no directory");
    for (const Environment& environment : {Environment{{"XDG_STATE_HOME", ""}}, Environment{{"XDG_STATE_HOME", file.path()}}}) {
        const auto done = request({"--limit", longWindow}, environment);
        BOOST_TEST(done.status == 0);
        BOOST_TEST(has(done.err, "not kept between runs"), done.err);
        BOOST_TEST(std::count(done.err.begin(), done.err.end(), '\n') == 1);
        onlyObject(done); // standard output is as ever
    }
    BOOST_TEST(sent() == 2U);
}

BOOST_AUTO_TEST_CASE(a_default_one_that_is_damaged_is_left_as_it_is)
{
    const std::string text(8192, 'x');
    BOOST_REQUIRE(::mkdir((state.path() + "/tollgate").c_str(), 0700) == 0);
    const std::string path = state.path() + "/tollgate/quota.db";
    std::ofstream(path) << text;
    const auto done = request({"--limit", longWindow});
    BOOST_TEST(done.status == 0);
    BOOST_TEST(has(done.err, "not kept between runs"), done.err);
    std::string kept(text.size() + 1, ' ');
    kept.resize(static_cast<std::size_t>(std::ifstream(path).read(kept.data(), static_cast<long>(kept.size())).gcount()));
    BOOST_TEST((kept == text));
}

BOOST_AUTO_TEST_CASE(one_that_was_asked_for_must_work)
{
    const TemporaryFile file(std::string(8192, 'x'));
    const TemporaryDirectory directory;
    for (const std::string& path : {file.path(), file.path() + "/below", directory.path()}) {
        const auto done = request({"--store", path});
        BOOST_TEST(done.status == 3, path);
        BOOST_TEST(errorOf(done, "type") == "ConfigurationError");
        BOOST_TEST(errorOf(done, "delivery") == "NotSent");
        BOOST_TEST(has(errorOf(done, "message"), path));
    }
    BOOST_TEST(request({"--store", ""}).status == 2);
    BOOST_TEST(sent() == 0U);
}

BOOST_AUTO_TEST_CASE(a_path_keeps_what_the_default_one_does_not_know)
{
    const TemporaryDirectory directory;
    const std::vector<std::string> words{"--limit", "1/10m", "--deadline", "20s", "--store", directory.path() + "/new/quota.db"};
    BOOST_TEST(request(words).status == 0);
    BOOST_TEST(request(words).status == 6);
    BOOST_TEST(request({"--limit", "1/10m"}).status == 0);
}

BOOST_AUTO_TEST_CASE(redis_that_cannot_be_reached_sends_nothing)
{
    const auto done = request({"--store", "redis:127.0.0.1:1", "--limit", longWindow});
    BOOST_TEST(done.status == 3);
    BOOST_TEST(errorOf(done, "type") == "StoreUnavailable");
    BOOST_TEST(errorOf(done, "delivery") == "NotSent");
    BOOST_TEST(sent() == 0U);
}

BOOST_AUTO_TEST_CASE(a_password_does_not_stand_on_the_command_line)
{
    const auto done = request({"--store", "redis://:hunter2@127.0.0.1:1"});
    BOOST_TEST(done.status == 2);
    BOOST_TEST(!has(done.all(), "hunter2"));
    BOOST_TEST(has(errorOf(done, "hint"), "TOLLGATE_REDIS_PASSWORD"));
}

BOOST_AUTO_TEST_CASE(redis_counts_for_all_who_name_it)
{
    const TemporaryDirectory directory;
    const std::string socket = directory.path() + "/redis.sock";
    Process server("/usr/bin/redis-server", {"--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir",
                                             directory.path(), "--save", "", "--requirepass", "hunter2"});
    BOOST_REQUIRE(server.await("ready to accept connections"));
    const Environment password{{"TOLLGATE_REDIS_PASSWORD", "hunter2"}};
    const std::vector<std::string> words{"--limit", "1/10m", "--deadline", "20s", "--store", "redis:unix:" + socket};
    // The command gives Redis a tenth of a second, which a busy machine does not always keep. It sends nothing then, but may have
    // counted already.
    const auto patiently = [](const auto& run) {
        Finished done = run();
        for (int i = 1; i < 5 && done.status == 3 && errorOf(done, "type") == "StoreUnavailable"; ++i) done = run();
        return done;
    };
    const auto first = patiently([&] {
        runProgram("/usr/bin/redis-cli", {"-s", socket, "-a", "hunter2", "FLUSHALL"});
        return request(words, password);
    });
    BOOST_TEST(first.status == 0, first.all());
    const auto second = patiently([&] { return request(words, password); });
    BOOST_TEST(second.status == 6, second.all());

    const auto refused = request(words, {{"TOLLGATE_REDIS_PASSWORD", "wrong"}});
    BOOST_TEST(refused.status == 3);
    BOOST_TEST(!has(refused.all(), "wrong"));
    BOOST_TEST(sent() == 1U);

    const auto quota = patiently([&] {
        return tollgate(
            {"quota", sandbox.baseUrl(Api::Bentoo), "environment variable KEY", "--store", "redis:unix:" + socket, "--json"},
            password);
    });
    BOOST_TEST(quota.status == 0, quota.all());
    BOOST_TEST(onlyObject(quota)->getArray("accounts")->size() == 1U);
    BOOST_TEST(tollgate({"quota", "--store", "redis:unix:" + socket}, password).status == 2); // it cannot list
    server.signal(SIGTERM);
    server.wait();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(WhatOneRunLearns, Fixture)

BOOST_AUTO_TEST_CASE(a_rejected_credential_is_not_sent_again_but_a_new_one_is)
{
    const Environment bad{{"KEY", "btoo_0123456789abcdefghij"}};
    const auto first = request({}, bad);
    BOOST_TEST(first.status == 7);
    BOOST_TEST(errorOf(first, "delivery") == "Answered");
    const auto second = request({}, bad);
    BOOST_TEST(second.status == 7);
    BOOST_TEST(errorOf(second, "type") == "CredentialRejected");
    BOOST_TEST(errorOf(second, "delivery") == "NotSent");
    BOOST_TEST(has(errorOf(second, "hint"), "tollgate quota --reset"));
    BOOST_TEST(sent() == 1U);
    BOOST_TEST(request().status == 0);
    BOOST_TEST(sent() == 2U);
}

BOOST_AUTO_TEST_CASE(the_doctor_does_not_try_a_rejected_credential_either)
{
    const Environment bad{{"BANDO_API_TOKEN", "0123456789abcdef0123456789abcdef"},
                          {"BANDO_BASE_URL", sandbox.baseUrl(Api::Bando)}};
    BOOST_TEST(
        tollgate({"request", "GET", url(Api::Bando, "/api/v1/networks/"), "--auth", "bearer:env:BANDO_API_TOKEN"}, bad).status ==
        7);
    const auto before = sandbox.requests(Api::Bando).size();
    const auto done = tollgate({"doctor", "bando", "--json"}, bad);
    BOOST_TEST(done.status == 1);
    BOOST_TEST(has(done.out, "tollgate quota --reset"), done.out);
    BOOST_TEST(sandbox.requests(Api::Bando).size() == before);
    BOOST_TEST(tollgate({"doctor", "bando", "--json", "--store", "none"}, bad).status == 1);
    BOOST_TEST(sandbox.requests(Api::Bando).size() > before);
}

BOOST_AUTO_TEST_CASE(a_locked_account_is_left_alone)
{
    testing::SandboxOptions options;
    options.bandoLockoutAfter = 1;
    const testing::Sandbox strict(options);
    const auto run = [&](const std::string& token) {
        return tollgate({"request", "GET", strict.baseUrl(Api::Bando) + "/api/v1/networks/", "--auth", "bearer:env:KEY",
                         "--limit", "lockout", "--json"},
                        {{"KEY", token}});
    };
    BOOST_TEST(run("0123456789abcdef0123456789abcdef").status == 7);
    const auto locked = run(strict.bando().token);
    BOOST_TEST(locked.status == 7);
    BOOST_TEST(errorOf(locked, "type") == "LockedOut");
    const auto before = strict.requests(Api::Bando).size();
    const auto kept = run(strict.bando().token);
    BOOST_TEST(kept.status == 7);
    BOOST_TEST(errorOf(kept, "type") == "LockedOut");
    BOOST_TEST(errorOf(kept, "delivery") == "NotSent");
    BOOST_TEST(strict.requests(Api::Bando).size() == before);
}

BOOST_AUTO_TEST_SUITE_END()
