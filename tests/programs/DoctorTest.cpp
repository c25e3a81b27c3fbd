// tollgate doctor: good set-ups are told from bad ones, and each of the ten most common mistakes (docs/command.md) is found,
// explained, and costs at most one bad request.

#include "programs/Command.h"

#include <Poco/JSON/Array.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace tollgate;
using namespace tollgate::test;

namespace {

struct Doctor : CommandFixture
{
    using CommandFixture::CommandFixture;

    Environment with(const std::string& name, const std::string& value) const
    {
        auto environment = goodEnvironment();
        environment[name] = value;
        return environment;
    }
    Environment without(const std::string& name) const
    {
        auto environment = goodEnvironment();
        environment.erase(name);
        return environment;
    }

    // The mistake is found by this check, with these words, and each problem says what, why, how to mend it and who can help.
    void finds(const char* provider, const Environment& environment, const std::string& check, const std::string& words,
               const std::vector<std::string>& options = {}) const
    {
        std::vector<std::string> arguments{"doctor", provider, "--json"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        const auto before = sandbox.requests().size();
        const auto done = tollgate(arguments, environment);
        BOOST_TEST_CONTEXT(provider << " " << check << ", printed: " << done.out << done.err)
        {
            BOOST_TEST(done.status == 1);
            const auto object = onlyObject(done);
            BOOST_TEST(!object->getValue<bool>("ok"));
            const auto findings = object->getArray("findings");
            bool found = false;
            for (std::size_t i = 0; i < findings->size(); ++i) {
                const auto finding = findings->getObject(static_cast<unsigned>(i));
                BOOST_TEST(textOf(finding, "provider") == provider);
                if (finding->getValue<bool>("ok")) continue;
                for (const char* member : {"problem", "why", "fix", "support"})
                    BOOST_TEST(!textOf(finding, member).empty(), member);
                const auto text = textOf(finding, "problem") + ' ' + textOf(finding, "why") + ' ' + textOf(finding, "fix");
                found = found || (textOf(finding, "check") == check && text.find(words) != std::string::npos);
            }
            BOOST_TEST(found);
            const auto sent = sandbox.requests().size() - before;
            BOOST_TEST(sent <= (check == "answer" ? 1U : 0U));
        }
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(DoctorCommand, Doctor)

BOOST_AUTO_TEST_CASE(a_good_set_up_is_well)
{
    for (const char* provider : {"bento", "bentoo", "bando", "chatbot"}) {
        const auto done = tollgate({"doctor", provider}, goodEnvironment());
        BOOST_TEST_CONTEXT(provider << ": " << done.out << done.err)
        {
            BOOST_TEST(done.status == 0);
            BOOST_TEST(done.out.find("All is well.") != std::string::npos);
            BOOST_TEST(done.out.find("PROBLEM") == std::string::npos);
        }
    }
    const auto all = onlyObject(tollgate({"doctor", "--json"}, goodEnvironment()));
    BOOST_TEST(all->getValue<bool>("ok"));
    BOOST_TEST(all->getArray("findings")->size() > 16);
    BOOST_TEST(sandbox.requests(Api::Bento).front().headers.get("User-Agent", "").find("tollgate-doctor/") == 0U);
}

BOOST_AUTO_TEST_CASE(without_anything_it_says_how_to_begin)
{
    const auto done = tollgate({"doctor"});
    BOOST_TEST(done.status == 1);
    for (const char* name : {"BENTO_SITE_UUID", "BENTOO_API_KEY", "BANDO_API_TOKEN", "CHATBOT_BASE_URL"})
        BOOST_TEST(done.out.find(name) != std::string::npos, name);
    BOOST_TEST(tollgate({"doctor", "bonto"}).status == 2);
    // Bando is open to anybody.
    BOOST_TEST(tollgate({"doctor", "bando"}, {{"BANDO_BASE_URL", sandbox.baseUrl(Api::Bando)}}).status == 0);
}

BOOST_AUTO_TEST_CASE(mistake_1_a_variable_is_not_set)
{
    finds("bento", without("BENTO_SITE_UUID"), "variables", "BENTO_SITE_UUID is not set");
    finds("bento", with("BENTO_SECRET_KEY", ""), "variables", "BENTO_SECRET_KEY is empty");
    finds("bentoo", without("BENTOO_API_KEY"), "variables", "BENTOO_API_KEY is not set");
    finds("chatbot", without("CHATBOT_BASE_URL"), "variables", "CHATBOT_BASE_URL is not set");
}

BOOST_AUTO_TEST_CASE(mistake_2_a_wrong_site_uuid)
{
    finds("bento", with("BENTO_SITE_UUID", sandbox.bento().publishableKey), "credential", "BENTO_SITE_UUID");
    finds("bento", with("BENTO_SITE_UUID", "my-shop"), "credential", "not a UUID");
    finds("bento", with("BENTO_SITE_UUID", "00000000-0000-4000-8000-000000000000"), "answer", "site_uuid");
    finds("bento", with("BENTO_SECRET_KEY", "00000000-0000-4000-8000-000000000000"), "credential", "site UUID");
}

BOOST_AUTO_TEST_CASE(mistake_3_keys_swapped)
{
    auto environment = goodEnvironment();
    environment["BENTO_PUBLISHABLE_KEY"] = "sk_" + std::string(20, 'a');
    environment["BENTO_SECRET_KEY"] = "pk_" + std::string(20, 'a');
    finds("bento", environment, "credential", "swapped");
    environment["BENTO_SECRET_KEY"] = environment["BENTO_PUBLISHABLE_KEY"];
    finds("bento", environment, "credential", "same value");
}

BOOST_AUTO_TEST_CASE(mistake_4_blanks_line_breaks_and_quotation_marks)
{
    finds("chatbot", with("CHATBOT_API_KEY", sandbox.chatbot().readKey + " "), "credential", "white space");
    finds("bento", with("BENTO_SECRET_KEY", "sk_abcdefgh\nijklmnop"), "credential", "line break");
    finds("bentoo", with("BENTOO_API_KEY", "\"btoo_abcdefghijkl\""), "credential", "quotation marks");
}

BOOST_AUTO_TEST_CASE(mistake_5_place_holders)
{
    finds("bando", with("BANDO_API_TOKEN", "{{token}}"), "credential", "BANDO_API_TOKEN");
    finds("bando", with("BANDO_API_TOKEN", "<bando_api_token>"), "credential", "place holder");
    finds("chatbot", with("CHATBOT_API_KEY", "YOUR_API_KEY"), "credential", "place holder");
    finds("bento", with("BENTO_SECRET_KEY", "your_secret_key"), "credential", "place holder");
    finds("bentoo", with("BENTOO_API_KEY", "btoo_sk_live_" + std::string(32, 'x')), "credential", "place holder");
}

BOOST_AUTO_TEST_CASE(mistake_6_user_agent)
{
    for (const char* agent : {"", " ", "curl/7.88.1", "python-requests/2.31", "Mozilla/5.0", "-"})
        finds("bento", goodEnvironment(), "user-agent", "User-Agent", {"--user-agent", agent});
    sandbox.inject(Api::Bento, Fault::of(Fault::Kind::HtmlPage));
    finds("bento", goodEnvironment(), "answer", "User-Agent");
    sandbox.inject(Api::Bento, Fault::of(Fault::Kind::Blocked));
    finds("bento", goodEnvironment(), "answer", "BLOCKED");
}

BOOST_AUTO_TEST_CASE(mistake_7_wrong_form_or_wrong_service)
{
    finds("chatbot", with("CHATBOT_API_KEY", "Bearer abcdefghijkl"), "credential", "Bearer");
    finds("bentoo", with("BENTOO_API_KEY", "abcdefghijklmnop"), "credential", "btoo_");
    finds("bentoo", with("BENTOO_API_KEY", "sk_abcdefghijklmnop"), "credential", "Bento");
    finds("bento", with("BENTO_SECRET_KEY", "btoo_abcdefghijklmnop"), "credential", "Bentoo");
}

BOOST_AUTO_TEST_CASE(mistake_8_base_url)
{
    finds("chatbot", with("CHATBOT_BASE_URL", "https://api.yourdomain.com/v1"), "base-url", "place holder");
    finds("bento", with("BENTO_BASE_URL", "https://key:secret@app.bentonow.com/api/v1"), "base-url", "");
    finds("bento", with("BENTO_BASE_URL", "http://app.bentonow.com/api/v1"), "base-url", "https");
    finds("bento", with("BENTO_BASE_URL", "https://app.bentonow.com"), "base-url", "/api/v1");
    finds("bentoo", with("BENTOO_BASE_URL", "api.bentoo.ai/v1"), "base-url", "");
}

BOOST_AUTO_TEST_CASE(mistake_9_a_key_that_is_wrong_or_revoked_and_the_lockout)
{
    finds("bento", with("BENTO_SECRET_KEY", "sk_" + std::string(24, 'b')), "answer", "401");
    const std::string revoked = sandbox.createBentooKey();
    sandbox.revoke(revoked);
    finds("bentoo", with("BENTOO_API_KEY", revoked), "answer", "revoked");
    finds("chatbot", with("CHATBOT_API_KEY", sandbox.chatbot().readKey.substr(0, 8)), "answer", "incomplete");

    // Each run costs one bad try; after five the address is locked, and the good token is told why.
    for (int i = 0; i < 5; ++i) finds("bando", with("BANDO_API_TOKEN", "wrong-token-" + std::to_string(i)), "answer", "lock");
    finds("bando", goodEnvironment(), "answer", "locked");
}

BOOST_AUTO_TEST_CASE(mistake_10_scope_or_plan)
{
    finds("chatbot", with("CHATBOT_API_KEY", sandbox.createChatbotKey({"read"}, {}, false)), "answer", "Professional");
    finds("chatbot", with("CHATBOT_API_KEY", sandbox.chatbot().writeKey), "answer", "Read");
}

BOOST_AUTO_TEST_CASE(limits_blocks_and_what_is_not_json_are_explained)
{
    sandbox.inject(Api::Bento, Fault::answer(429));
    finds("bento", goodEnvironment(), "answer", "429");
    const TemporaryDirectory forgotten; // or it would wait, as after every 429
    sandbox.inject(Api::Bento, Fault::answer(403));
    finds("bento", with("XDG_STATE_HOME", forgotten.path()), "answer", "IP address");
    sandbox.inject(Api::Bentoo, Fault::of(Fault::Kind::TruncatedJson));
    finds("bentoo", goodEnvironment(), "answer", "JSON");
    sandbox.inject(Api::Bentoo, Fault::answer(500));
    finds("bentoo", goodEnvironment(), "answer", "provider's side");
}

BOOST_AUTO_TEST_CASE(the_way_there_is_checked)
{
    finds("bentoo", with("BENTOO_BASE_URL", "https://" + noSuchHost() + "/v1"), "name", noSuchHost());
    finds("bentoo", with("BENTOO_BASE_URL", "http://127.0.0.1:1/v1"), "connect", "Nobody listens");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(DoctorWithTls)

BOOST_AUTO_TEST_CASE(an_unknown_authority_is_found_and_a_named_one_is_trusted)
{
    testing::SandboxOptions options;
    options.tls = true;
    const Doctor doctor(options);
    doctor.finds("bento", doctor.goodEnvironment(), "tls", "");
    const auto done = doctor.tollgate({"doctor", "bento", "--ca-file", doctor.sandbox.caFile()}, doctor.goodEnvironment());
    BOOST_TEST(done.status == 0);
    for (const char* check : {"certificates", "name", "connect", "tls", "answer"})
        BOOST_TEST(done.out.find(std::string("ok       ") + check) != std::string::npos, check);
}

BOOST_AUTO_TEST_SUITE_END()
