// tollgate request --json: one object for each kind of failure, and the exit status that goes with it.

#include "programs/Command.h"

#include <Poco/JSON/Array.h>
#include <boost/test/unit_test.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>

using namespace tollgate;
using namespace tollgate::test;

namespace {

struct Expected
{
    int exitStatus;
    const char* type;
    const char* delivery;
    const char* inText; ///< somewhere in message or hint
    int status = 0;     ///< 0: no answer
};

void expect(const CommandFixture& fixture, std::vector<std::string> arguments, const Environment& environment,
            const Expected& expected)
{
    arguments.insert(arguments.begin(), "request");
    arguments.emplace_back("--json");
    const auto done = fixture.tollgate(arguments, environment);
    BOOST_TEST_CONTEXT(expected.type << ", printed: " << done.out << done.err)
    {
        BOOST_TEST(done.status == expected.exitStatus);
        BOOST_TEST(done.err == "");
        const auto object = onlyObject(done);
        const auto error = object->getObject("error");
        BOOST_REQUIRE(error);
        BOOST_TEST(textOf(error, "type") == expected.type);
        BOOST_TEST(textOf(error, "delivery") == expected.delivery);
        BOOST_TEST(!textOf(error, "message").empty());
        BOOST_TEST(!textOf(error, "hint").empty());
        const auto text = textOf(error, "message") + ' ' + textOf(error, "hint");
        BOOST_TEST(text.find(expected.inText) != std::string::npos, text);
        BOOST_TEST(object->isNull("status") == (expected.status == 0));
        if (expected.status != 0) BOOST_TEST(object->getValue<int>("status") == expected.status);
        BOOST_TEST(object->isArray("headers"));
        BOOST_TEST(object->isArray("attempts"));
        BOOST_TEST(object->has("body"));
    }
}

// A port on loopback where nobody listens, held so that nobody else takes it.
class DeadPort
{
public:
    DeadPort() : _socket(::socket(AF_INET, SOCK_STREAM, 0))
    {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        BOOST_REQUIRE(::bind(_socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
        BOOST_REQUIRE(::getsockname(_socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        _port = ntohs(address.sin_port);
    }
    ~DeadPort() { ::close(_socket); }
    DeadPort(const DeadPort&) = delete;
    DeadPort& operator=(const DeadPort&) = delete;
    std::string url() const { return "http://127.0.0.1:" + std::to_string(_port) + '/'; }

private:
    int _socket;
    int _port = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(RequestErrors, CommandFixture)

BOOST_AUTO_TEST_CASE(usage)
{
    const auto coolness = url(Api::Bando, "/coolness");
    const Expected unknown{2, "UsageError", "NotSent", "unknown option"};
    for (const char* later : {"--limits=100/min", "--cookie-jar=x", "--nonsense"})
        expect(*this, {"GET", coolness, later}, {}, unknown);
    expect(*this, {"GET"}, {}, {2, "UsageError", "NotSent", "--help"});
    expect(*this, {"GET", coolness, "--auth", "bearer:abc"}, {}, {2, "UsageError", "NotSent", "process list"});
    expect(*this, {"GET", coolness, "--auth", "digest:env:A:env:B"}, {}, {2, "UsageError", "NotSent", "bearer:env:NAME"});
    expect(*this, {"GET", coolness, "--auth", "basic:env:A"}, {}, {2, "UsageError", "NotSent", "missing"});
    expect(*this, {"GET", coolness, "--deadline", "5"}, {}, {2, "UsageError", "NotSent", "5s"});
    expect(*this, {"GET", coolness, "--retries", "many"}, {}, {2, "UsageError", "NotSent", "retries"});
    const auto nothing = tollgate({});
    BOOST_TEST(nothing.status == 2);
    BOOST_TEST(tollgate({"conquer"}).status == 2);
}

BOOST_AUTO_TEST_CASE(before_anything_is_sent)
{
    const auto coolness = url(Api::Bando, "/coolness");
    const Environment key{{"KEY", "a-key-that-was-not-sent-anywhere"}};
    expect(*this, {"GET", "no url at all"}, {}, {3, "InvalidUrl", "NotSent", "http"});
    expect(*this, {"GET", "ftp://example.com/"}, {}, {3, "InvalidUrl", "NotSent", "http"});
    expect(*this, {"GET", "https://user:s3cret-in-url@example.com/"}, {}, {3, "InvalidUrl", "NotSent", "--auth"});
    expect(*this, {"GET", coolness, "--header", "X-Note: one\r\nX-Two: two"}, {}, {3, "InvalidRequest", "NotSent", ""});
    expect(*this, {"GE T", coolness}, {}, {3, "InvalidRequest", "NotSent", ""});
    expect(*this, {"GET", coolness, "--auth", "bearer:env:NOT_SET_ANYWHERE"}, {},
           {3, "MissingCredential", "NotSent", "NOT_SET_ANYWHERE"});
    expect(*this, {"GET", coolness, "--auth", "bearer:file:/no/such/file"}, {},
           {3, "MissingCredential", "NotSent", "/no/such/file"});
    expect(*this, {"GET", coolness, "--auth", "bearer:env:KEY"}, {{"KEY", "{{token}}"}},
           {3, "InvalidCredential", "NotSent", "{{"});
    expect(*this, {"GET", coolness, "--auth", "bearer:env:KEY"}, {{"KEY", "one two"}},
           {3, "InvalidCredential", "NotSent", "white space"});
    expect(*this, {"GET", "http://203.0.113.7/", "--auth", "bearer:env:KEY"}, key, {3, "InsecureTransport", "NotSent", "https"});
    expect(*this, {"POST", coolness, "--data", "@/no/such/file"}, {}, {3, "InvalidRequest", "NotSent", "/no/such/file"});
    BOOST_TEST(sandbox.answered() == 0U);
    BOOST_TEST(sandbox.connections() == 0U);
}

BOOST_AUTO_TEST_CASE(userinfo_is_not_repeated)
{
    const auto done = tollgate({"request", "GET", "https://user:s3cret-in-url@example.com/", "--json"});
    BOOST_TEST(done.all().find("s3cret-in-url") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(answers_keep_status_headers_and_body)
{
    const Environment keys{{"BAD", "btoo_sk_live_notakeyofanybody"},
                           {"READ", sandbox.chatbot().readKey},
                           {"PLAN", sandbox.createChatbotKey({"read"}, {}, false)}};
    expect(*this, {"GET", url(Api::Bentoo, "/models"), "--auth", "bearer:env:BAD"}, keys,
           {7, "CredentialRejected", "Answered", "", 401});
    expect(*this, {"GET", url(Api::Chatbot, "/bots"), "--auth", "bearer:env:PLAN"}, keys,
           {4, "PermissionDenied", "Answered", "", 403});
    expect(*this, {"GET", url(Api::Bando, "/no/such/path"), "--auth", "anonymous"}, keys, {4, "NotFound", "Answered", "", 404});
    sandbox.inject(Api::Bando, Fault::answer(400));
    expect(*this, {"GET", url(Api::Bando, "/coolness")}, keys, {4, "BadRequest", "Answered", "", 400});
    sandbox.inject(Api::Bando, Fault::answer(500));
    expect(*this, {"GET", url(Api::Bando, "/coolness"), "--retries", "0"}, keys, {5, "ServerError", "Answered", "", 500});

    const auto missing = onlyObject(tollgate({"request", "GET", url(Api::Bando, "/no/such/path"), "--json"}));
    BOOST_TEST(missing->getArray("headers")->size() > 1);
    BOOST_TEST(!textOf(missing, "body").empty());

    // Without --json the body still goes to standard output, and the explanation to standard error.
    const auto text = tollgate({"request", "GET", url(Api::Bando, "/no/such/path")});
    BOOST_TEST(text.status == 4);
    BOOST_TEST(text.out == textOf(missing, "body"));
    BOOST_TEST(text.err.find("NotFound") != std::string::npos);
    BOOST_TEST(text.err.find("hint:") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wait_that_is_longer_than_the_deadline_fails_at_once)
{
    Fault full = Fault::answer(429);
    full.retryAfter = std::chrono::seconds(3600);
    sandbox.inject(Api::Bando, full);
    expect(*this, {"GET", url(Api::Bando, "/coolness"), "--deadline", "300s"}, {}, {6, "RateLimited", "Answered", "", 429});
}

BOOST_AUTO_TEST_CASE(the_network)
{
    const auto coolness = url(Api::Bando, "/coolness");
    const DeadPort dead;
    expect(*this, {"GET", dead.url(), "--retries", "0"}, {}, {10, "ConnectError", "NotSent", ""});
    expect(*this, {"GET", "http://" + noSuchHost() + "/", "--retries", "0", "--deadline", "20s"}, {},
           {10, "NameResolutionError", "NotSent", noSuchHost().c_str()});
    sandbox.inject(Api::Bando, Fault::of(Fault::Kind::Reset));
    expect(*this, {"GET", coolness, "--retries", "0"}, {}, {10, "ConnectionLost", "MaybeProcessed", ""});
    sandbox.inject(Api::Bando, Fault::of(Fault::Kind::StalledBody));
    expect(*this, {"GET", coolness, "--deadline", "3s"}, {}, {8, "Timeout", "Answered", "", 0});
    expect(*this, {"GET", coolness, "--max-body", "2"}, {}, {10, "ResponseTooLarge", "Answered", "", 0});
}

BOOST_AUTO_TEST_SUITE_END()
