// How the command ends: by its deadline, by Ctrl-C. The bounds are generous: what is tested is that nothing hangs.

#include "programs/Command.h"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <thread>

using namespace tollgate;
using namespace tollgate::test;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(Endings, CommandFixture)

BOOST_AUTO_TEST_CASE(the_deadline_covers_a_stalled_answer_and_all_retries)
{
    sandbox.inject(Api::Bando, Fault::of(Fault::Kind::StalledBody), 10);
    const auto done = tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--deadline", "700ms", "--retries", "9"});
    BOOST_TEST(done.status == 8);
    BOOST_TEST(done.took.count() < 5000);
    BOOST_TEST(done.err.find("Timeout") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_deadline_covers_standard_input_that_never_ends)
{
    Process process("tollgate",
                    {"request", "POST", url(Api::Bando, "/coolness"), "--data", "@-", "--deadline", "500ms", "--json"},
                    withState({}));
    process.write("the beginning");
    const auto done = process.wait(30s, true);
    BOOST_TEST(!done.timedOut);
    BOOST_TEST(done.status == 8);
    BOOST_TEST(textOf(onlyObject(done)->getObject("error"), "type") == "Timeout");
    BOOST_TEST(textOf(onlyObject(done)->getObject("error"), "delivery") == "NotSent");
    BOOST_TEST(sandbox.answered() == 0U);
}

BOOST_AUTO_TEST_CASE(the_deadline_covers_a_pipe_that_nobody_writes_to)
{
    const TemporaryFile pipe({}, "pipe");
    std::remove(pipe.path().c_str());
    BOOST_REQUIRE(::mkfifo(pipe.path().c_str(), 0600) == 0);
    const auto done =
        tollgate({"request", "POST", url(Api::Bando, "/coolness"), "--data", "@" + pipe.path(), "--deadline", "300ms", "--json"});
    BOOST_TEST(done.status == 8);
    BOOST_TEST(textOf(onlyObject(done)->getObject("error"), "delivery") == "NotSent");
}

BOOST_AUTO_TEST_CASE(ctrl_c_cancels_the_call_with_one_line)
{
    sandbox.inject(Api::Bando, Fault::slow(60s));
    Process process("tollgate", {"request", "GET", url(Api::Bando, "/coolness")}, withState({}));
    for (int i = 0; i < 500 && sandbox.connections() == 0; ++i) std::this_thread::sleep_for(10ms);
    BOOST_REQUIRE(sandbox.connections() > 0U);
    process.signal(SIGINT);
    const auto done = process.wait(30s);
    BOOST_TEST(!done.timedOut);
    BOOST_TEST(done.status == 130);
    BOOST_TEST(done.out == "");
    BOOST_TEST(done.err.find("cancelled") != std::string::npos);
    BOOST_TEST(done.err.find('\n') == done.err.size() - 1);
    checkNoSecrets(done);
}

BOOST_AUTO_TEST_CASE(sigterm_has_a_status_of_its_own_and_json_stays_json)
{
    sandbox.inject(Api::Bando, Fault::slow(60s));
    Process process("tollgate", {"request", "GET", url(Api::Bando, "/coolness"), "--json"}, withState({}));
    for (int i = 0; i < 500 && sandbox.connections() == 0; ++i) std::this_thread::sleep_for(10ms);
    process.signal(SIGTERM);
    const auto done = process.wait(30s);
    BOOST_TEST(done.status == 143);
    BOOST_TEST(textOf(onlyObject(done)->getObject("error"), "type") == "Cancelled");
}

BOOST_AUTO_TEST_CASE(nobody_reads_any_more)
{
    Process process("/bin/sh", {"-c", "'" + programPath("tollgate") + "' --help | true; echo \"ended\""});
    BOOST_TEST(process.await("ended"));
    BOOST_TEST(process.wait().status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
