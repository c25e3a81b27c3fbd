// tollgate tls: whom a program would talk to.

#include "programs/Command.h"
#include "transport/Certificates.h"
#include "transport/Support.h"

#include <Poco/JSON/Array.h>

using namespace tollgate::test;
using tollgate::transport::test::Authority;
using tollgate::transport::test::Peer;
using tollgate::transport::test::RawServer;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct TlsFixture
{
    Authority authority;
    tollgate::transport::test::ServerContext context = authority.serve("IP:127.0.0.1,DNS:api.example.com");
    std::atomic<std::size_t> requestBytes{0};
    RawServer server{[this](Peer& peer) { requestBytes += peer.readToEnd().size(); }, context.get()};

    Finished tls(std::vector<std::string> more, const std::string& host = "127.0.0.1") const
    {
        more.insert(more.begin(), {"tls", server.url("/", host)});
        auto done = runProgram("tollgate", more, {});
        BOOST_TEST(!done.timedOut);
        return done;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(TlsCommand)

BOOST_FIXTURE_TEST_CASE(a_server_in_order_is_shown_with_its_pins, TlsFixture)
{
    const auto done = tls({"--ca-file", authority.file()});
    BOOST_TEST(done.status == 0, done.all());
    for (const char* part : {"verified    yes", "TLSv1.3", "DNS:api.example.com", "pin sha256/", "valid from"})
        BOOST_TEST(has(done.out, part), part << "\n" << done.out);

    const auto object = onlyObject(tls({"--ca-file", authority.file(), "--json"}));
    BOOST_TEST(object->getValue<bool>("verified"));
    BOOST_TEST(object->isNull("error"));
    const auto own = object->getArray("chain")->getObject(0);
    const std::string pin = textOf(own, "pin");
    BOOST_TEST(tls({"--ca-file", authority.file(), "--pin", pin}).status == 0);

    const std::string wrong = "sha256/" + std::string(43, 'A') + "=";
    const auto refused = tls({"--ca-file", authority.file(), "--pin", wrong});
    BOOST_TEST(refused.status == 9);
    BOOST_TEST(has(refused.out, "NO: "));
    BOOST_TEST(has(refused.out, pin));
    BOOST_TEST(requestBytes == 0U);
}

BOOST_FIXTURE_TEST_CASE(one_that_is_not_accepted_is_shown_too, TlsFixture)
{
    const auto unknown = tls({});
    BOOST_TEST(unknown.status == 9);
    BOOST_TEST(has(unknown.out, "NO: "));
    BOOST_TEST(has(unknown.out, "DNS:api.example.com"));

    const auto object = onlyObject(tls({"--ca-file", authority.file(), "--json"}, "localhost"));
    BOOST_TEST(!object->getValue<bool>("verified"));
    BOOST_TEST(!textOf(object, "problem").empty());
    BOOST_TEST(requestBytes == 0U);
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_asked_is_said_plainly, TlsFixture)
{
    BOOST_TEST(runProgram("tollgate", {"tls", "http://127.0.0.1/"}, {}).status == 3);
    BOOST_TEST(runProgram("tollgate", {"tls"}, {}).status == 2);
    BOOST_TEST(tls({"--pin", "not-a-pin"}).status == 3);
    BOOST_TEST(tls({"--ca-file", "/no/such/file"}).status == 3);
    const auto object = onlyObject(runProgram("tollgate", {"tls", "https://127.0.0.1:1/", "--json"}, {}));
    BOOST_TEST(textOf(object->getObject("error"), "type") == "ConnectError");
}

BOOST_AUTO_TEST_SUITE_END()
