// Every program of the build runs as a newcomer would run it.

#include "programs/Command.h"

#include "tollgate/Json.h"

#include <Poco/JSON/Object.h>
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <thread>

using namespace tollgate;
using namespace tollgate::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(Samples)

BOOST_AUTO_TEST_CASE(each_runs_on_the_sandbox_and_says_so)
{
    for (const char* sample : {"sample-bento", "sample-bentoo", "sample-bando", "sample-chatbot", "sample-legacy-poco"}) {
        // The last one is a server; asked to, it does its work once.
        const bool server = std::string(sample) == "sample-legacy-poco";
        Process process(sample, server ? std::vector<std::string>{"--once"} : std::vector<std::string>{});
        const auto done = process.wait(60s);
        BOOST_TEST_CONTEXT(sample << ": " << done.all())
        {
            BOOST_TEST(done.status == 0);
            BOOST_TEST(done.all().find("sandbox") != std::string::npos);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(each_runs_on_what_its_variables_name, CommandFixture)
{
    auto environment = goodEnvironment();
    environment["CHATBOT_API_KEY"] = sandbox.chatbot().adminKey;
    const std::vector<std::pair<const char*, Api>> samples{{"sample-bento", Api::Bento},
                                                           {"sample-bentoo", Api::Bentoo},
                                                           {"sample-bando", Api::Bando},
                                                           {"sample-chatbot", Api::Chatbot}};
    for (const auto& [sample, api] : samples) {
        const auto done = runProgram(sample, {}, environment);
        checkNoSecrets(done);
        BOOST_TEST_CONTEXT(sample << ": " << done.all())
        {
            BOOST_TEST(done.status == 0);
            BOOST_TEST(!sandbox.requests(api).empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(the_demo_shows_what_it_should)
{
    const std::string file = std::string(TOLLGATE_SOURCE_DIR) + "/samples/data/subscribers.csv";
    const auto done = runProgram("tollgate-demo", {file}, {{"NO_COLOR", "1"}});
    BOOST_TEST_CONTEXT(done.all())
    {
        BOOST_TEST(done.status == 0);
        BOOST_TEST(done.out.find("2488 of 2500 rows imported in 3 requests") != std::string::npos);
        for (const char* shown :
             {"MissingCredential", "InvalidCredential", "InvalidUrl", "InsecureTransport", "MissingScope", "CredentialRejected",
              "LockedOut", "RateLimited", "Blocked", "UnexpectedContent", "Timeout", "TlsError", "quota left", "connections"})
            BOOST_TEST(done.out.find(shown) != std::string::npos, shown);
        BOOST_TEST(done.out.find('\x1b') == std::string::npos);
        BOOST_TEST(done.out.find("should not") == std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(SandboxProgram)

BOOST_AUTO_TEST_CASE(the_ready_file_says_all_that_a_script_needs)
{
    for (const bool tls : {false, true}) {
        const TemporaryFile ready({}, "ready.json");
        std::remove(ready.path().c_str());
        std::vector<std::string> arguments{"--ready-file", ready.path()};
        if (tls) arguments.emplace_back("--tls");
        Process process("tollgate-sandbox", arguments);
        std::string text;
        for (int i = 0; i < 1000 && text.empty(); ++i) {
            std::this_thread::sleep_for(10ms);
            text = ready.read();
        }
        BOOST_REQUIRE(!text.empty());
        struct stat info = {};
        BOOST_REQUIRE(::stat(ready.path().c_str(), &info) == 0);
        BOOST_TEST((info.st_mode & 0777) == 0600);

        const auto object = parseJson(text).extract<Poco::JSON::Object::Ptr>();
        const auto bento = object->getObject("bento");
        const Environment environment{{"PK", textOf(bento, "publishableKey")},
                                      {"SK", textOf(bento, "secretKey")},
                                      {"SITE", textOf(bento, "siteUuid")},
                                      {"BENTOO", textOf(object->getObject("bentoo"), "apiKey")},
                                      {"BANDO", textOf(object->getObject("bando"), "token")},
                                      {"READ", textOf(object->getObject("chatbot")->getObject("keys"), "read")}};
        const auto get = [&](const char* provider, const std::string& path, const std::string& auth) {
            std::vector<std::string> words{"request", "GET", textOf(object->getObject(provider), "baseUrl") + path, "--auth",
                                           auth};
            if (tls) words.insert(words.end(), {"--ca-file", textOf(object, "caFile")});
            return runProgram("tollgate", words, environment).status;
        };
        BOOST_TEST(get("bento", "/fetch/tags", "basic-site:env:PK:env:SK:env:SITE") == 0);
        BOOST_TEST(get("bentoo", "/models", "bearer:env:BENTOO") == 0);
        BOOST_TEST(get("bando", "/coolness", "bearer:env:BANDO") == 0);
        BOOST_TEST(get("chatbot", "/bots", "bearer:env:READ") == 0);
        BOOST_TEST(!textOf(object, "controlUrl").empty());
        BOOST_TEST(textOf(object->getObject("chatbot")->getObject("keys"), "admin") !=
                   textOf(object->getObject("chatbot")->getObject("keys"), "write"));

        process.signal(SIGTERM);
        const auto done = process.wait(30s);
        BOOST_TEST(!done.timedOut);
        BOOST_TEST(done.status == 0);
        BOOST_TEST(done.all().find(environment.at("SK")) == std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
