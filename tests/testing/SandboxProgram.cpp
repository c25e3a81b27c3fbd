// tollgate-sandbox as scripts see it: command line, ready file, signals, exit status.

#include "RawClient.h"

#include "tollgate/Json.h"

#include <Poco/File.h>
#include <Poco/Path.h>
#include <Poco/Pipe.h>
#include <Poco/PipeStream.h>
#include <Poco/Process.h>
#include <Poco/StreamCopier.h>
#include <Poco/TemporaryFile.h>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>
#include <sys/stat.h>
#include <thread>

using namespace tollgate::testing;

namespace {

const std::string program = std::string(TOLLGATE_BIN_DIR) + "/tollgate-sandbox";

/// The program may be left out of a build; its tests are then skipped, not passed.
boost::test_tools::assertion_result isBuilt(boost::unit_test::test_unit_id) { return Poco::File(program).exists(); }

/// A run that ends by itself.
struct Run
{
    explicit Run(const std::vector<std::string>& arguments)
    {
        Poco::Pipe out, err;
        const auto handle = Poco::Process::launch(program, arguments, nullptr, &out, &err);
        output = readAll(out);
        errors = readAll(err);
        status = handle.wait();
    }

    static std::string readAll(Poco::Pipe& pipe)
    {
        Poco::PipeInputStream stream(pipe);
        std::string text;
        Poco::StreamCopier::copyToString(stream, text);
        return text;
    }

    std::string output, errors;
    int status = 0;
};

/// A run in the background, with a ready file.
struct Server
{
    explicit Server(std::vector<std::string> arguments = {})
    {
        readyFile = Poco::TemporaryFile::tempName();
        arguments.insert(arguments.end(), {"--ready-file", readyFile});
        handle.emplace(Poco::Process::launch(program, arguments, nullptr, &out, nullptr));
        // The file appears whole; a hang shows as a failure after ten seconds.
        for (int i = 0; i < 1000 && !Poco::File(readyFile).exists(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        std::ostringstream text;
        text << std::ifstream(readyFile).rdbuf();
        ready = tollgate::parseJson(text.str()).extract<Poco::JSON::Object::Ptr>();
    }
    ~Server()
    {
        if (handle) stop(SIGKILL);
    }
    int stop(int signal)
    {
        ::kill(handle->id(), signal);
        const int status = handle->wait();
        handle.reset();
        return status;
    }
    std::string text(const std::string& provider, const std::string& name) const
    {
        return ready->getObject(provider)->getValue<std::string>(name);
    }

    std::string readyFile;
    Poco::Pipe out;
    std::optional<Poco::ProcessHandle> handle;
    Poco::JSON::Object::Ptr ready;
};

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxProgram, *boost::unit_test::precondition(isBuilt))

BOOST_AUTO_TEST_CASE(the_ready_file_has_all_that_scripts_need_and_is_private)
{
    Server server;
    struct stat info
    {};
    BOOST_REQUIRE(::stat(server.readyFile.c_str(), &info) == 0);
    BOOST_TEST((info.st_mode & 0777U) == 0600U);
    BOOST_TEST(server.text("bento", "publishableKey").rfind("pk_", 0) == 0U);
    BOOST_TEST(server.text("bento", "secretKey").rfind("sk_", 0) == 0U);
    BOOST_TEST(server.text("bento", "siteUuid").size() == 36U);
    const auto status = [&](const std::string& provider, const std::string& path, const std::string& key) {
        return once(server.text(provider, "baseUrl"), "GET", path, {"Authorization: Bearer " + key}).status;
    };
    BOOST_TEST(status("bentoo", "/models", server.text("bentoo", "apiKey")) == 200);
    BOOST_TEST(status("bando", "/coolness", server.text("bando", "token")) == 200);
    const auto keys = server.ready->getObject("chatbot")->getObject("keys");
    BOOST_TEST(status("chatbot", "/bots", keys->getValue<std::string>("read")) == 200);
    BOOST_TEST(status("chatbot", "/bots", keys->getValue<std::string>("write")) == 403);
    BOOST_TEST(status("chatbot", "/team/members", keys->getValue<std::string>("admin")) == 200);
    BOOST_TEST(once(server.ready->getValue<std::string>("controlUrl"), "GET", "/health").status == 200);
    BOOST_TEST(!server.ready->has("caFile"));
}

BOOST_AUTO_TEST_CASE(sigterm_and_sigint_end_it_with_status_0_and_remove_its_files)
{
    for (const int signal : {SIGTERM, SIGINT}) {
        Server server({"--tls"});
        const auto caFile = server.ready->getValue<std::string>("caFile");
        BOOST_TEST(Poco::File(caFile).exists());
        BOOST_TEST(server.text("bando", "baseUrl").rfind("https://", 0) == 0U);
        BOOST_TEST(RawClient(server.text("bando", "baseUrl"), caFile).request("GET", "/coolness").status == 200);
        BOOST_TEST(server.stop(signal) == 0);
        BOOST_TEST(!Poco::File(server.readyFile).exists());
        BOOST_TEST(!Poco::File(caFile).exists());
    }
}

BOOST_AUTO_TEST_CASE(keys_are_not_printed_unless_asked_for)
{
    for (const bool show : {false, true}) {
        Server server(show ? std::vector<std::string>{"--show-keys"} : std::vector<std::string>{});
        BOOST_TEST(server.stop(SIGTERM) == 0);
        const auto printed = Run::readAll(server.out);
        BOOST_TEST(printed.find(server.text("bando", "baseUrl")) != std::string::npos);
        for (const auto& key :
             {server.text("bento", "secretKey"), server.text("bando", "token"), server.text("bentoo", "apiKey")})
            BOOST_TEST((printed.find(key) != std::string::npos) == show);
    }
}

BOOST_AUTO_TEST_CASE(limits_and_times_can_be_set)
{
    Server server({"--bando-limit", "2", "--chatbot-limit", "0", "--bando-lockout", "3s", "--bando-lockout-after", "1",
                   "--window", "250ms", "--hour", "2m", "--bentoo-limit", "5"});
    const auto url = server.text("bando", "baseUrl");
    const auto call = [&](const std::string& token) {
        return once(url, "GET", "/coolness", {"Authorization: Bearer " + token}).status;
    };
    const auto token = server.text("bando", "token");
    BOOST_TEST(call(token) == 200);
    BOOST_TEST(call(token) == 200);
    BOOST_TEST(call(token) == 429);
    BOOST_TEST(call("wrong") == 401);
    BOOST_TEST(call(token) == 403);
    once(server.ready->getValue<std::string>("controlUrl"), "POST", "/advance", {}, R"({"ms":3000})");
    BOOST_TEST(call(token) == 429);
    once(server.ready->getValue<std::string>("controlUrl"), "POST", "/advance", {}, R"({"ms":117000})");
    BOOST_TEST(call(token) == 200);
    const auto models =
        once(server.text("bentoo", "baseUrl"), "GET", "/models", {"Authorization: Bearer " + server.text("bentoo", "apiKey")});
    BOOST_TEST(models.headers.get("X-RateLimit-Limit", "") == "5");
}

BOOST_AUTO_TEST_CASE(help_lists_every_option)
{
    const Run help({"--help"});
    BOOST_TEST(help.status == 0);
    for (const char* option : {"--ready-file",
                               "--tls",
                               "--show-keys",
                               "--address",
                               "--control-port",
                               "--bento-port",
                               "--bentoo-port",
                               "--bando-port",
                               "--chatbot-port",
                               "--window",
                               "--hour",
                               "--bento-limit",
                               "--bentoo-limit",
                               "--bando-limit",
                               "--chatbot-limit",
                               "--bando-lockout",
                               "--bando-lockout-after",
                               "--bando-lockout-within",
                               "--bento-import-delay",
                               "--max-recorded",
                               "--version"})
        BOOST_TEST(help.output.find(option) != std::string::npos);
    BOOST_TEST(Run({"--version"}).status == 0);
}

BOOST_AUTO_TEST_CASE(mistakes_on_the_command_line_end_with_status_2_and_the_reason)
{
    const Run unknown({"--no-such-option"});
    BOOST_TEST(unknown.status == 2);
    BOOST_TEST(unknown.errors.find("--no-such-option") != std::string::npos);
    for (const char* value : {"3", "3 s", "s", "-3s", "3d", "99999999999999999999s", "99999999999999h"}) {
        const Run bad({"--bando-lockout", value});
        BOOST_TEST(bad.status == 2);
        BOOST_TEST(bad.errors.find("--bando-lockout") != std::string::npos);
    }
    BOOST_TEST(Run({"--bento-port", "70000"}).status == 2);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_set_up_ends_with_status_1_and_the_reason)
{
    const Run open({"--address", "0.0.0.0"});
    BOOST_TEST(open.status == 1);
    BOOST_TEST(open.errors.find("loopback") != std::string::npos);
    const Run nowhere({"--ready-file", "/no/such/folder/ready.json"});
    BOOST_TEST(nowhere.status == 1);
    BOOST_TEST(nowhere.errors.find("/no/such/folder/ready.json") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
