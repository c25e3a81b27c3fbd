// tollgate request: every option, against the sandbox.

#include "programs/Command.h"

#include "tollgate/Json.h"
#include "tollgate/Version.h"

#include <Poco/JSON/Array.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <boost/test/unit_test.hpp>

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>

using namespace tollgate;
using namespace tollgate::test;

namespace {

std::string sentHeader(const CommandFixture& fixture, const std::string& name)
{
    const auto requests = fixture.sandbox.requests();
    BOOST_REQUIRE(!requests.empty());
    return std::string(requests.back().headers.get(name, "(none)"));
}

// Answers one request with these bytes: what the sandbox, which speaks JSON, would never say.
class OneAnswer
{
public:
    explicit OneAnswer(std::string answer) : _listener(Poco::Net::SocketAddress("127.0.0.1", 0)), _answer(std::move(answer))
    {
        _thread = std::thread([this] {
            if (!_listener.poll(Poco::Timespan(30, 0), Poco::Net::Socket::SELECT_READ)) return; // nobody came: the test says so
            Poco::Net::StreamSocket socket = _listener.acceptConnection();
            std::array<char, 4096> request{};
            socket.receiveBytes(request.data(), static_cast<int>(request.size()));
            socket.sendBytes(_answer.data(), static_cast<int>(_answer.size()));
            socket.shutdown();
        });
    }
    ~OneAnswer() { _thread.join(); }
    OneAnswer(const OneAnswer&) = delete;
    OneAnswer& operator=(const OneAnswer&) = delete;
    std::string url() const { return "http://" + _listener.address().toString() + '/'; }

private:
    Poco::Net::ServerSocket _listener;
    std::string _answer;
    std::thread _thread;
};

std::string sentBody(const CommandFixture& fixture) { return fixture.sandbox.requests().back().body; }

} // namespace

BOOST_FIXTURE_TEST_SUITE(RequestCommand, CommandFixture)

BOOST_AUTO_TEST_CASE(the_body_goes_to_standard_output)
{
    const auto done =
        tollgate({"request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:env:KEY"}, {{"KEY", sandbox.bentoo().apiKey}});
    BOOST_TEST(done.status == 0);
    BOOST_TEST(done.out.find("\"data\"") != std::string::npos);
    BOOST_TEST(done.err == "");
}

BOOST_AUTO_TEST_CASE(json_is_one_object_with_all_members)
{
    const auto done = tollgate({"request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:env:KEY", "--json"},
                               {{"KEY", sandbox.bentoo().apiKey}});
    BOOST_TEST(done.status == 0);
    const auto object = onlyObject(done);
    BOOST_TEST(object->getValue<int>("status") == 200);
    BOOST_TEST(textOf(object, "reason") == "OK");
    BOOST_TEST(object->isNull("error"));
    BOOST_TEST(!object->has("bodyEncoding"));
    BOOST_TEST(parseJson(textOf(object, "body")).extract<Poco::JSON::Object::Ptr>()->has("data"));
    const auto headers = object->getArray("headers");
    BOOST_TEST(headers->size() > 2);
    BOOST_TEST(headers->getArray(0)->size() == 2);
    const auto attempt = object->getArray("attempts")->getObject(0);
    BOOST_TEST(attempt->getValue<int>("status") == 200);
    BOOST_TEST(textOf(attempt, "delivery") == "Answered");
    BOOST_TEST(textOf(attempt, "address").find("127.0.0.1:") == 0);
}

BOOST_AUTO_TEST_CASE(a_body_that_is_not_utf8_is_base64)
{
    const std::string bytes("\xFF\x00\xC3(", 4);
    const OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n" + bytes);
    const auto done = tollgate({"request", "GET", server.url(), "--json"});
    BOOST_TEST(done.status == 0);
    const auto object = onlyObject(done);
    BOOST_TEST(textOf(object, "bodyEncoding") == "base64");
    BOOST_TEST(textOf(object, "body") == "/wDDKA==");
}

BOOST_AUTO_TEST_CASE(secrets_come_from_files_and_variables)
{
    const TemporaryFile key(sandbox.bentoo().apiKey + "\n");
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:file:" + key.path()}).status == 0);

    const Environment bento{
        {"PK", sandbox.bento().publishableKey}, {"SK", sandbox.bento().secretKey}, {"SITE", sandbox.bento().siteUuid}};
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bento, "/fetch/tags"), "--auth", "basic-site:env:PK:env:SK:env:SITE"}, bento)
                   .status == 0);

    const TemporaryFile secret(sandbox.bento().secretKey, "secret:with:colons");
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bento, "/fetch/tags"), "--auth",
                         "basic-site:env:PK:file:" + secret.path() + ":env:SITE"},
                        bento)
                   .status == 0);

    // Plain Basic sends no site_uuid, which Bento answers with 401.
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bento, "/fetch/tags"), "--auth", "basic:env:PK:env:SK"}, bento).status == 7);
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--auth", "anonymous"}).status == 0);
}

BOOST_AUTO_TEST_CASE(a_prompt_needs_a_terminal)
{
    const auto done = tollgate({"request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:prompt", "--json"});
    BOOST_TEST(done.status == 3);
    BOOST_TEST(textOf(onlyObject(done)->getObject("error"), "type") == "MissingCredential");
}

BOOST_AUTO_TEST_CASE(a_prompt_asks_without_echo)
{
    int terminal = -1;
    const std::string program = programPath("tollgate");
    const std::string target = url(Api::Bentoo, "/models");
    const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (pid == 0) {
        ::execl(program.c_str(), "tollgate", "request", "GET", target.c_str(), "--auth", "bearer:prompt", nullptr);
        ::_exit(127);
    }
    BOOST_REQUIRE(pid > 0);
    std::string shown;
    std::array<char, 4096> piece{};
    bool typed = false;
    for (;;) {
        const auto length = ::read(terminal, piece.data(), piece.size());
        if (length <= 0) break;
        shown.append(piece.data(), static_cast<std::size_t>(length));
        if (typed || shown.find("Token: ") == std::string::npos) continue;
        typed = true;
        const std::string line = sandbox.bentoo().apiKey + "\n";
        BOOST_TEST(::write(terminal, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    ::close(terminal);
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 0);
    BOOST_TEST(shown.find("\"data\"") != std::string::npos);
    BOOST_TEST((shown.find(sandbox.bentoo().apiKey) == std::string::npos));
}

BOOST_AUTO_TEST_CASE(secrets_on_the_command_line_are_refused_and_not_repeated)
{
    const std::string secret = "s3cret-on-the-command-line";
    const std::vector<std::vector<std::string>> ways{{"--auth", "bearer:" + secret},
                                                     {"--auth", "basic:user:" + secret},
                                                     {"--auth", "basic:env:USER:" + secret},
                                                     {"--auth", secret},
                                                     {"--header", "Authorization: Bearer " + secret},
                                                     {"--token=" + secret},
                                                     {secret}};
    for (const auto& way : ways) {
        std::vector<std::string> arguments{"request", "GET", url(Api::Bando, "/coolness")};
        arguments.insert(arguments.end(), way.begin(), way.end());
        const auto done = tollgate(arguments, {{"USER", "somebody"}});
        BOOST_TEST_CONTEXT(way.front() << ": " << done.all())
        {
            BOOST_TEST(done.status == 2);
            BOOST_TEST(done.all().find(secret) == std::string::npos);
            BOOST_TEST(done.err.find("hint:") != std::string::npos);
        }
    }
    const auto literal = tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--auth", "bearer:abc"});
    BOOST_TEST(literal.err.find("process list") != std::string::npos);
    BOOST_TEST(literal.err.find("bearer:env:NAME") != std::string::npos);
    BOOST_TEST(sandbox.answered() == 0U);
}

BOOST_AUTO_TEST_CASE(headers_are_sent_and_replace_the_defaults)
{
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--header", "X-One:1", "--header", "X-Two:  two  words ",
                         "--header", "User-Agent: AcmeCRM/1.0"})
                   .status == 0);
    BOOST_TEST(sentHeader(*this, "X-One") == "1");
    BOOST_TEST(sentHeader(*this, "X-Two") == "two  words");
    BOOST_TEST(sentHeader(*this, "User-Agent") == "AcmeCRM/1.0");

    BOOST_TEST(tollgate({"request", "GET", url(Api::Bando, "/coolness")}).status == 0);
    BOOST_TEST(sentHeader(*this, "User-Agent") == std::string("tollgate/") + version());
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--header", "no colon"}).status == 2);
}

BOOST_AUTO_TEST_CASE(data_comes_from_the_line_a_file_or_standard_input)
{
    const Environment key{{"KEY", sandbox.chatbot().writeKey}};
    const std::string json = R"({"name":"Zoë's bot"})";
    const auto post = [&](const std::string& data, const std::string& input) {
        return tollgate({"request", "post", url(Api::Chatbot, "/bots"), "--auth", "bearer:env:KEY", "--data", data}, key, input);
    };
    BOOST_TEST(post(json, {}).status == 0);
    BOOST_TEST(sentBody(*this) == json);
    BOOST_TEST(sentHeader(*this, "Content-Type") == "application/json");
    BOOST_TEST(sandbox.requests().back().method == "POST");

    const TemporaryFile file(json);
    BOOST_TEST(post("@" + file.path(), {}).status == 0);
    BOOST_TEST(sentBody(*this) == json);
    BOOST_TEST(post("@-", json).status == 0);
    BOOST_TEST(sentBody(*this) == json);

    BOOST_TEST(
        tollgate({"request", "POST", url(Api::Bando, "/coolness"), "--data", "[1,2]", "--header", "content-type: text/plain"})
            .status != 2);
    BOOST_TEST(sentBody(*this) == "[1,2]");
    BOOST_TEST(sentHeader(*this, "Content-Type") == "text/plain");
}

BOOST_AUTO_TEST_CASE(retries_are_counted_and_can_be_switched_off)
{
    sandbox.inject(Api::Bando, Fault::answer(503), 2);
    const auto done = tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--json"});
    BOOST_TEST(done.status == 0);
    BOOST_TEST(onlyObject(done)->getArray("attempts")->size() == 3U);

    sandbox.inject(Api::Bando, Fault::answer(503));
    const auto once = tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--json", "--retries", "0"});
    BOOST_TEST(once.status == 5);
    BOOST_TEST(onlyObject(once)->getArray("attempts")->size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_redirect_is_the_answer)
{
    sandbox.inject(Api::Bando, Fault::answer(302));
    const auto done = tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--json"});
    BOOST_TEST(done.status == 0);
    BOOST_TEST(onlyObject(done)->getValue<int>("status") == 302);
}

BOOST_AUTO_TEST_CASE(connect_timeout_and_max_body_are_taken)
{
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--connect-timeout", "5s", "--max-body", "1M"}).status ==
               0);
    for (const char* bad : {"5", "-1s", "5 parsecs", "", "0s", "1e3s"})
        BOOST_TEST(
            tollgate({"request", "GET", url(Api::Bando, "/coolness"), std::string("--connect-timeout=") + bad}).status == 2, bad);
    for (const char* bad : {"0", "-1", "many", "1T"})
        BOOST_TEST(tollgate({"request", "GET", url(Api::Bando, "/coolness"), std::string("--max-body=") + bad}).status == 2, bad);
    const auto bare = tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--deadline", "5"});
    BOOST_TEST(bare.status == 2);
    BOOST_TEST(bare.err.find("seconds from milliseconds") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(curl_shows_the_command_without_a_secret_and_sends_nothing)
{
    const Environment bento{
        {"PK", sandbox.bento().publishableKey}, {"SK", sandbox.bento().secretKey}, {"SITE", sandbox.bento().siteUuid}};
    const std::vector<std::string> words{"request",
                                         "GET",
                                         url(Api::Bento, "/fetch/tags"),
                                         "--auth",
                                         "basic-site:env:PK:env:SK:env:SITE",
                                         "--header",
                                         "X-Quote: it's",
                                         "--deadline",
                                         "20s",
                                         "--curl"};
    const auto done = tollgate(words, bento);
    BOOST_TEST(done.status == 0);
    BOOST_TEST(done.out.find("curl ") == 0U);
    BOOST_TEST(done.out.find("\"$PK:$SK\"") != std::string::npos);
    BOOST_TEST(done.out.find("site_uuid='\"$SITE\"") != std::string::npos);
    BOOST_TEST(done.out.find("--max-time 20") != std::string::npos);
    BOOST_TEST(sandbox.answered() == 0U);

    // What is printed is a command that a shell runs as it stands.
    const auto ran = runProgram("/bin/sh", {"-c", "curl() { for word; do printf '<%s>' \"$word\"; done; }\n" + done.out},
                                {{"PK", "pk"}, {"SK", "sk"}, {"SITE", "site"}});
    BOOST_TEST(ran.status == 0);
    BOOST_TEST(ran.out.find("<pk:sk>") != std::string::npos);
    BOOST_TEST(ran.out.find("<X-Quote: it's>") != std::string::npos);
    BOOST_TEST(ran.out.find("site_uuid=site>") != std::string::npos);

    auto asJson = words;
    asJson.emplace_back("--json");
    BOOST_TEST(textOf(onlyObject(tollgate(asJson, bento)), "curl") + '\n' == done.out);

    const auto file = tollgate(
        {"request", "POST", url(Api::Chatbot, "/bots"), "--auth", "bearer:file:/no/such file", "--data", "@body.json", "--curl"});
    BOOST_TEST(file.status == 0);
    BOOST_TEST(file.out.find("Bearer $(cat '/no/such file')\"") != std::string::npos);
    BOOST_TEST(file.out.find("--data-binary '@body.json'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(help_lists_the_exit_statuses)
{
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--help"}, {"request", "--help"}, {"doctor", "--help"}, {"bento", "import", "--help"}})
    {
        const auto done = tollgate(words);
        BOOST_TEST(done.status == 0);
        BOOST_TEST(done.out.find("Exit status:") != std::string::npos);
    }
    const auto shown = tollgate({"--version"});
    BOOST_TEST(shown.status == 0);
    BOOST_TEST(shown.out == std::string("tollgate ") + version() + '\n');
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(RequestCommandWithTls)

BOOST_AUTO_TEST_CASE(ca_file_names_a_private_authority)
{
    testing::SandboxOptions options;
    options.tls = true;
    const CommandFixture fixture(options);
    const auto target = fixture.url(Api::Bando, "/coolness");
    BOOST_TEST(target.find("https://") == 0U);
    BOOST_TEST(fixture.tollgate({"request", "GET", target, "--ca-file", fixture.sandbox.caFile()}).status == 0);

    const auto strange = fixture.tollgate({"request", "GET", target, "--json"});
    BOOST_TEST(strange.status == 9);
    const auto error = onlyObject(strange)->getObject("error");
    BOOST_TEST(textOf(error, "type") == "TlsError");
    BOOST_TEST(textOf(error, "delivery") == "NotSent");
    BOOST_TEST(fixture.sandbox.answered() == 1U);

    BOOST_TEST(fixture.tollgate({"request", "GET", target, "--ca-file", "/no/such/file.pem"}).status == 3);
}

BOOST_AUTO_TEST_SUITE_END()
