// tollgate quota: what the store keeps, and how to make it forget.

#include "programs/Command.h"

#include <Poco/JSON/Array.h>
#include <boost/test/unit_test.hpp>

#include <unistd.h>

using namespace tollgate;
using namespace tollgate::test;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct Fixture : CommandFixture
{
    Finished request(std::vector<std::string> more = {}, Environment environment = {}) const
    {
        environment.emplace("KEY", sandbox.bentoo().apiKey);
        std::vector<std::string> words{"request",    "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:env:KEY",
                                       "--deadline", "20s"};
        words.insert(words.end(), more.begin(), more.end());
        return tollgate(words, environment);
    }
    Finished quota(std::vector<std::string> more = {}) const
    {
        more.insert(more.begin(), "quota");
        return tollgate(more);
    }
    Poco::JSON::Array::Ptr accounts(std::vector<std::string> more = {}) const
    {
        more.emplace_back("--json");
        const auto done = quota(more);
        BOOST_TEST(done.status == 0, done.all());
        const auto object = onlyObject(done);
        BOOST_TEST(object->isNull("error"));
        BOOST_TEST(textOf(object, "store") == state.path() + "/tollgate/quota.db");
        return object->getArray("accounts");
    }
    std::string key() const { return sandbox.bentoo().apiKey; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(QuotaCommand, Fixture)

BOOST_AUTO_TEST_CASE(nothing_kept_is_no_error_and_makes_no_file)
{
    const auto done = quota();
    BOOST_TEST(done.status == 0);
    BOOST_TEST(has(done.out, "no such account"), done.out);
    BOOST_TEST(accounts()->size() == 0U);
    BOOST_TEST(::access((state.path() + "/tollgate").c_str(), F_OK) != 0);
}

BOOST_AUTO_TEST_CASE(shows_limits_and_credentials)
{
    for (int i = 0; i < 2; ++i) BOOST_TEST(request({"--limit", "100/10m", "--limit", "2/1h:/v1/models"}).status == 0);
    const auto list = accounts();
    BOOST_REQUIRE(list->size() == 1U);
    const auto account = list->getObject(0);
    BOOST_TEST(textOf(account, "account") == "environment variable KEY");
    BOOST_TEST(has(sandbox.baseUrl(Api::Bentoo), textOf(account, "realm")));
    BOOST_TEST(textOf(account, "gate") == "Open");

    const auto limits = account->getArray("limits");
    BOOST_REQUIRE(limits->size() == 2U);
    for (unsigned i = 0; i < 2; ++i) {
        const auto limit = limits->getObject(i);
        const bool small = limit->getValue<int>("capacity") == 2;
        BOOST_TEST(textOf(limit, "limit") == (small ? "2 requests per 3600 s on /v1/models" : "100 requests per 600 s"));
        BOOST_TEST(limit->getValue<int>("remaining") == (small ? 0 : 98));
        const auto nextFree = limit->getValue<double>("nextFreeMs");
        BOOST_TEST((small ? nextFree > 1'000'000 && nextFree <= 3'700'000 : nextFree == 0));
        BOOST_TEST(!limit->getValue<bool>("steppedDown"));
    }
    const auto credentials = account->getArray("credentials");
    BOOST_REQUIRE(credentials->size() == 1U);
    const auto credential = credentials->getObject(0);
    BOOST_TEST(textOf(credential, "lastFour") == key().substr(key().size() - 4));
    BOOST_TEST(textOf(credential, "verdict") == "Good");
    BOOST_TEST(credential->getValue<int>("uses") == 2);
    BOOST_TEST(textOf(credential, "lastUsed").size() == 20U);
    BOOST_TEST(credential->isNull("nextTryMs"));

    const auto text = quota().out;
    for (const char* part : {"environment variable KEY", "gate       open", "100 requests per 600 s: 98 left, the next at once",
                             "0 left, the next in ", ", good; sent 2 times"})
        BOOST_TEST(has(text, part), part << " is not in\n" << text);
}

BOOST_AUTO_TEST_CASE(looking_changes_nothing)
{
    BOOST_TEST(request({"--limit", "5/10m"}).status == 0);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(accounts()->getObject(0)->getArray("limits")->getObject(0)->getValue<int>("remaining") == 4);
    BOOST_TEST(sandbox.requests(Api::Bentoo).size() == 1U);
}

BOOST_AUTO_TEST_CASE(several_accounts_can_be_told_apart)
{
    BOOST_TEST(request({"--limit", "5/10m"}).status == 0);
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bentoo, "/models"), "--auth", "bearer:env:SECOND"},
                        {{"SECOND", sandbox.createBentooKey()}})
                   .status == 0);
    BOOST_TEST(tollgate({"request", "GET", url(Api::Bando, "/coolness"), "--limit", "5/10m"}).status == 0);
    BOOST_TEST(accounts()->size() == 3U);
    BOOST_TEST(accounts({url(Api::Bentoo, "/models")})->size() == 2U);
    BOOST_TEST(accounts({url(Api::Bentoo, "/models"), "environment variable SECOND"})->size() == 1U);
    const auto bando = accounts({url(Api::Bando, "/")});
    BOOST_REQUIRE(bando->size() == 1U);
    BOOST_TEST(textOf(bando->getObject(0), "account") == "anonymous");
    BOOST_TEST(accounts({"https://api.example.com"})->size() == 0U);
    BOOST_TEST(quota({"no url"}).status == 3);
}

BOOST_AUTO_TEST_CASE(the_import_counts_for_the_same_account)
{
    const TemporaryFile rows("email\na@example.com\n");
    const auto done = tollgate({"bento", "import", rows.path()}, goodEnvironment());
    BOOST_TEST(done.status == 0, done.all());
    const auto text = quota({sandbox.baseUrl(Api::Bento)}).out;
    BOOST_TEST(has(text, "on /batch: 99 left"), text);
}

BOOST_AUTO_TEST_CASE(reset_lets_a_rejected_credential_go_again)
{
    const std::string token = sandbox.createBentooKey();
    sandbox.revoke(token);
    const Environment bad{{"KEY", token}};
    BOOST_TEST(request({}, bad).status == 7);
    const auto credential = accounts()->getObject(0)->getArray("credentials")->getObject(0);
    BOOST_TEST(textOf(credential, "verdict") == "Bad");
    BOOST_TEST(credential->getValue<double>("nextTryMs") > 1000);
    BOOST_TEST(has(quota().out, "rejected; not tried before"));

    BOOST_TEST(request({}, bad).status == 7);
    BOOST_TEST(sandbox.requests(Api::Bentoo).size() == 1U);
    const auto elsewhere = quota({"--reset", "https://api.example.com"});
    BOOST_TEST(has(elsewhere.out, "nothing was reset"), elsewhere.out);
    BOOST_TEST(request({}, bad).status == 7);
    BOOST_TEST(sandbox.requests(Api::Bentoo).size() == 1U);

    const auto reset = quota({"--reset", sandbox.baseUrl(Api::Bentoo)});
    BOOST_TEST(reset.status == 0);
    BOOST_TEST(has(reset.out, "1 account reset"), reset.out);
    BOOST_TEST(request({}, bad).status == 7);
    BOOST_TEST(sandbox.requests(Api::Bentoo).size() == 2U);
}

BOOST_AUTO_TEST_CASE(reset_ends_a_lock)
{
    testing::SandboxOptions options;
    options.bandoLockoutAfter = 10; // later than the command gives up
    const testing::Sandbox strict(options);
    const auto run = [&](const std::string& token) {
        return tollgate({"request", "GET", strict.baseUrl(Api::Bando) + "/api/v1/networks/", "--auth", "bearer:env:KEY",
                         "--limit", "lockout"},
                        {{"KEY", token}})
            .status;
    };
    BOOST_TEST(run("0123456789abcdef0123456789abcdef") == 7);
    BOOST_TEST(run("fedcba9876543210fedcba9876543210") == 7);
    BOOST_TEST(run("00112233445566778899aabbccddeeff") == 7); // three of them: held back before the server locks
    const auto account = accounts()->getObject(0);
    BOOST_TEST(textOf(account, "gate") == "Locked");
    BOOST_TEST(account->getValue<double>("lockedForMs") > 1000);
    BOOST_TEST(textOf(account, "cause") != "");
    BOOST_TEST(has(quota().out, "locked for another"));
    const auto before = strict.requests(Api::Bando).size();
    BOOST_TEST(run(strict.bando().token) == 7);
    BOOST_TEST(strict.requests(Api::Bando).size() == before);

    BOOST_TEST(textOf(accounts({"--reset"})->getObject(0), "gate") == "Open");
    BOOST_TEST(run(strict.bando().token) == 0);
}

BOOST_AUTO_TEST_CASE(reset_forgets_a_smaller_limit_but_not_what_was_counted)
{
    BOOST_TEST(request({"--limit", "1/10m"}).status == 0);
    BOOST_TEST(request({"--limit", "3/10m"}).status == 6);
    BOOST_TEST(quota({"--reset"}).status == 0);
    BOOST_TEST(request({"--limit", "3/10m"}).status == 0);
    BOOST_TEST(request({"--limit", "3/10m"}).status == 0);
    BOOST_TEST(request({"--limit", "3/10m"}).status == 6); // the one before the reset still counts
}

BOOST_AUTO_TEST_CASE(a_store_that_holds_nothing_to_show_is_told)
{
    BOOST_TEST(quota({"--store", "none"}).status == 2);
    BOOST_TEST(tollgate({"quota"}, {{"XDG_STATE_HOME", ""}}).status == 3);
    const TemporaryFile file(std::string(8192, 'x'));
    const auto broken = quota({"--store", file.path(), "--json"});
    BOOST_TEST(broken.status == 3);
    BOOST_TEST(has(textOf(onlyObject(broken)->getObject("error"), "message"), file.path()));
}

BOOST_AUTO_TEST_SUITE_END()
