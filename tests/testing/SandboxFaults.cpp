// Each kind of fault, and which requests meet it.

#include "RawClient.h"

#include "tollgate/Error.h"
#include "tollgate/Json.h"
#include "tollgate/testing/Sandbox.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>

using namespace tollgate::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture
{
    explicit Fixture(SandboxOptions options = {}) : sandbox(std::move(options)), url(sandbox.baseUrl(Provider::Chatbot)) {}

    void inject(Fault fault, unsigned count = 1) { sandbox.inject(Provider::Chatbot, std::move(fault), count); }
    RawResponse get(const std::string& path = "/bots") const
    {
        return once(url, "GET", path, {"Authorization: Bearer " + sandbox.chatbot().readKey});
    }
    int recordedStatus() const { return sandbox.requests().back().status; }

    Sandbox sandbox;
    std::string url;
};

bool isJson(const std::string& text)
{
    try {
        tollgate::parseJson(text);
        return true;
    } catch (const tollgate::Error&) {
        return false;
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxFaults)

BOOST_AUTO_TEST_CASE(status_with_and_without_retry_after)
{
    Fixture f;
    f.inject(Fault::answer(503));
    const auto plain = f.get();
    BOOST_TEST(plain.status == 503);
    BOOST_TEST(isJson(plain.body));
    BOOST_TEST(!plain.headers.has("Retry-After"));
    auto limited = Fault::answer(429);
    limited.retryAfter = 7s;
    f.inject(limited);
    BOOST_TEST(f.get().headers.get("Retry-After", "") == "7");
    BOOST_TEST(f.sandbox.throttled() == 1U);
    BOOST_TEST(f.get().status == 200);
}

BOOST_AUTO_TEST_CASE(html_page)
{
    Fixture f;
    f.inject(Fault::of(Fault::Kind::HtmlPage));
    const auto answer = f.get();
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.headers.get("Content-Type", "").find("text/html") == 0U);
    BOOST_TEST(answer.body.find("<html>") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(blocked)
{
    Fixture f;
    f.inject(Fault::of(Fault::Kind::Blocked));
    const auto answer = f.get();
    BOOST_TEST(answer.status == 403);
    BOOST_TEST(answer.body == "BLOCKED");
}

BOOST_AUTO_TEST_CASE(truncated_json_has_the_right_length)
{
    Fixture f;
    f.inject(Fault::of(Fault::Kind::TruncatedJson));
    const auto answer = f.get();
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.complete);
    BOOST_TEST(answer.headers.get("Content-Type", "") == "application/json");
    BOOST_TEST(!answer.body.empty());
    BOOST_TEST(!isJson(answer.body));
    BOOST_TEST(isJson(f.get().body));
}

BOOST_AUTO_TEST_CASE(short_body_ends_before_its_length)
{
    Fixture f;
    f.inject(Fault::of(Fault::Kind::ShortBody));
    RawClient client(f.url);
    const auto answer = client.request("GET", "/bots", {"Authorization: Bearer " + f.sandbox.chatbot().readKey});
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(!answer.complete);
    BOOST_TEST(!answer.body.empty());
    BOOST_TEST(answer.body.size() < std::stoul(std::string(answer.headers.get("Content-Length", "0"))));
    BOOST_TEST(client.waitForEnd() == "closed");
}

BOOST_AUTO_TEST_CASE(a_short_stream_lacks_its_last_chunk)
{
    Fixture f;
    f.sandbox.inject(Provider::Bentoo, Fault::of(Fault::Kind::ShortBody));
    const auto answer = once(f.sandbox.baseUrl(Provider::Bentoo), "POST", "/chat/completions",
                             {"Authorization: Bearer " + f.sandbox.bentoo().apiKey},
                             R"({"model":"sandbox-small","stream":true,"messages":[{"role":"user","content":"hi"}]})");
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.chunks > 0U);
    BOOST_TEST(!answer.complete);
    BOOST_TEST(answer.body.find("[DONE]") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(stalled_body_sends_half_and_falls_silent)
{
    Fixture f;
    const auto whole = f.get().body;
    f.inject(Fault::of(Fault::Kind::StalledBody));
    RawClient client(f.url);
    client.send("GET /v1/bots HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + f.sandbox.chatbot().readKey + "\r\n\r\n");
    const auto bytes = client.receiveUntilSilent(100);
    const auto body = bytes.substr(bytes.find("\r\n\r\n") + 4);
    BOOST_TEST(bytes.find("Content-Length: " + std::to_string(whole.size()) + "\r\n") != std::string::npos);
    BOOST_TEST(body == whole.substr(0, whole.size() / 2));
    BOOST_TEST(client.staysSilent(50));
    BOOST_TEST(f.recordedStatus() == 200);
    BOOST_TEST(f.get().body == whole);
}

BOOST_AUTO_TEST_CASE(reset_breaks_the_connection_after_the_request)
{
    Fixture f;
    f.inject(Fault::of(Fault::Kind::Reset));
    RawClient client(f.url);
    client.send("GET /v1/bots HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(client.waitForEnd() == "reset");
    BOOST_TEST(f.recordedStatus() == 0);
    BOOST_TEST(f.sandbox.answered() == 0U);
}

BOOST_AUTO_TEST_CASE(slow_is_the_normal_answer_later_and_holds_up_nobody_else)
{
    Fixture f;
    f.inject(Fault::slow(1500ms));
    RawClient slow(f.url);
    const auto start = std::chrono::steady_clock::now();
    slow.send("GET /v1/bots HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + f.sandbox.chatbot().readKey + "\r\n\r\n");
    BOOST_TEST(slow.staysSilent(100));
    const auto other = f.get();
    const auto late = slow.receive();
    BOOST_CHECK(std::chrono::steady_clock::now() - start >= 1500ms);
    BOOST_TEST(late.status == 200);
    BOOST_TEST(late.body == other.body);
}

BOOST_AUTO_TEST_CASE(faults_queue_up_and_are_met_as_often_as_set)
{
    Fixture f;
    f.inject(Fault::answer(500), 2);
    f.inject(Fault::answer(502));
    const std::vector<int> due = {500, 500, 502, 200};
    for (const int status : due) BOOST_TEST(f.get().status == status);
}

BOOST_AUTO_TEST_CASE(a_fault_is_for_its_provider_and_its_path_only)
{
    Fixture f;
    auto fault = Fault::answer(500);
    fault.pathPrefix = "/bots";
    f.inject(fault, 2);
    BOOST_TEST(f.get("/botsy").status == 404);
    BOOST_TEST(f.get("/analytics").status == 200);
    BOOST_TEST(once(f.sandbox.baseUrl(Provider::Bando), "GET", "/coolness").status == 200);
    BOOST_TEST(f.get("/bots?page=1").status == 500);
    BOOST_TEST(f.get("/bots/bot_1").status == 500);
    BOOST_TEST(f.get("/bots").status == 200);
}

BOOST_AUTO_TEST_CASE(clear_takes_all_faults_back)
{
    Fixture f;
    f.inject(Fault::answer(500), 100);
    f.sandbox.clearFaults();
    BOOST_TEST(f.get().status == 200);
}

BOOST_AUTO_TEST_CASE(faults_in_front_of_the_api_cost_no_quota_and_change_nothing)
{
    SandboxOptions options;
    options.chatbotPerHour = 1;
    Fixture f(options);
    for (const auto kind : {Fault::Kind::Status, Fault::Kind::HtmlPage, Fault::Kind::Blocked}) {
        f.inject(Fault::of(kind));
        f.get();
    }
    BOOST_TEST(f.sandbox.audit().empty());
    BOOST_TEST(f.get().status == 200);
    BOOST_TEST(f.get().status == 429);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_cut_has_taken_effect)
{
    Fixture f;
    f.inject(Fault::of(Fault::Kind::ShortBody));
    const auto cut =
        once(f.url, "POST", "/bots", {"Authorization: Bearer " + f.sandbox.chatbot().writeKey}, R"({"name":"made anyway"})");
    BOOST_TEST(!cut.complete);
    BOOST_TEST(f.get().body.find("made anyway") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
