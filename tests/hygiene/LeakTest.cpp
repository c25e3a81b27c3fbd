#include "tollgate/Client.h"
#include "tollgate/Error.h"
#include "tollgate/Json.h"
#include "tollgate/poco/LoggerObserver.h"
#include "tollgate/providers/Bento.h"
#include "tollgate/providers/Chatbot.h"
#include "tollgate/testing/ScriptedTransport.h"
#include "tollgate/testing/VirtualClock.h"

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Message.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <iostream>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace tollgate;
using namespace std::chrono_literals;

namespace {

const std::string key = "sk+live/9aF3kQ7zR1mX5vB8nC2wE6yT4uJ0pL";
const std::string user = "pk_5hG8dS2fK9qW3eR7tY1uI4oP6aZ0xC";
const std::string site = "7c1e9b3f5a2d4806b8f0e1c2d3a49586";

constexpr std::array<const char*, 4> requestIdFields{"X-Request-Id", "Request-Id", "X-Amzn-RequestId", "CF-Ray"};

/// A piece of eight characters would give away too much already.
bool holdsPieceOf(std::string_view text, std::string_view secret)
{
    for (std::size_t at = 0; at + 8 <= secret.size(); ++at)
        if (text.find(secret.substr(at, 8)) != std::string_view::npos) return true;
    return false;
}

struct Scheme
{
    const char* name;
    AuthStrategyPtr auth;
    std::vector<std::string> secrets;
};

std::vector<Scheme> schemes()
{
    const auto fixed = [](const std::string& text) { return fixedSource(Secret(text)); };
    return {{"bearer", bearer(fixed(key)), {key}},
            {"scopedBearer", scopedBearer(fixed(key), Scopes{}), {key}},
            {"basic", basic("somebody", Secret(key)), {key, base64("somebody:" + key)}},
            {"basicWithSite", basicWithSite(fixed(user), fixed(key), fixed(site)), {user, key, site, base64(user + ':' + key)}}};
}

/// The secrets as a server sees them, in the forms that careless ones echo.
std::vector<std::string> echoes(const Exchange& exchange, const std::vector<std::string>& secrets)
{
    std::vector<std::string> forms{std::string(exchange.headers.get("Authorization", "")), exchange.url.text()};
    for (const std::string& secret : secrets) {
        forms.push_back(secret);
        forms.push_back(percentEncode(secret));
        forms.push_back("{\"error\":{\"message\":\"bad key: " + secret + "\"}}");
        forms.push_back("<html><title>" + secret + "</title></html>");
    }
    return forms;
}

/// Where a server may put it.
enum class Spot
{
    Body,
    AtExcerptEnd, ///< so that the cut of a long text goes through it
    Reason,
    Field,
    Location,
    count
};

/// All that an error or a log shows of itself.
std::string shown(const Error& error)
{
    std::string text = error.what();
    text += error.displayText() + error.message() + error.hint() + error.support() + error.details().cause + error.requestId();
    for (const Attempt& attempt : error.attempts()) text += attempt.address + attempt.error + attempt.waitedFor;
    const std::unique_ptr<Poco::Exception> copy(error.clone());
    text += copy->what() + copy->displayText();
    try {
        error.rethrow();
    } catch (const std::exception& again) {
        text += again.what();
    }
    return text;
}

struct Log final : Observer
{
    std::mutex mutex;
    std::string text;
    void add(const std::string& more)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        text += more + '\n';
    }
    void onAttempt(const AttemptRecord& record) override
    {
        add(record.method + record.url + record.attempt.error + record.requestId);
    }
    void onNotice(const Notice& notice) override { add(notice.text); }
    void onTransition(const Transition& transition) override { add(transition.text); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(LeakTest)

BOOST_AUTO_TEST_CASE(no_error_and_no_log_shows_a_secret_whatever_the_server_echoes)
{
    std::size_t cases = 0;
    std::set<std::string> types;
    const auto log = std::make_shared<Log>();
    for (const Scheme& scheme : schemes()) {
        const auto check = [&](const std::string& text, const std::string& where) {
            ++cases;
            for (const std::string& secret : scheme.secrets)
                BOOST_CHECK_MESSAGE(!holdsPieceOf(text, secret) && !holdsPieceOf(text, percentEncode(secret)),
                                    scheme.name << ": a secret shows in " << where);
        };
        for (const int status : {302, 400, 401, 403, 404, 409, 422, 429, 500, 503})
            for (int spot = 0; spot < static_cast<int>(Spot::count); ++spot)
                for (std::size_t form = 0; form < 2 + 4 * scheme.secrets.size(); ++form) {
                    const auto clock = testing::VirtualClock::create();
                    const auto transport = testing::ScriptedTransport::create(clock);
                    transport->otherwise([&](Exchange& exchange) {
                        const std::string echo = echoes(exchange, scheme.secrets).at(form);
                        ResponseHead head;
                        head.status = status;
                        std::string body = "{}";
                        switch (static_cast<Spot>(spot)) {
                        case Spot::Body: body = echo; break;
                        case Spot::AtExcerptEnd: body = std::string(200 - echo.size() % 200 / 2, '.') + echo + echo; break;
                        case Spot::Reason: head.reason = echo; break;
                        case Spot::Field:
                            for (const char* name : {"Retry-After", "RateLimit", "X-RateLimit-Limit", "WWW-Authenticate",
                                                     "Content-Type", "Set-Cookie", "X-Request-Id"})
                                head.headers.add(name, echo);
                            break;
                        case Spot::Location: {
                            const bool encoded = echo.find('%') != std::string::npos;
                            head.headers.add("Location",
                                             "/x?site_uuid=" + echo + "&next=" + (encoded ? echo : percentEncode(echo)));
                            break;
                        }
                        case Spot::count: break;
                        }
                        return Response(std::move(head), std::move(body));
                    });
                    RetryPolicy once;
                    once.attempts = 2;
                    const Client api = Client::to("https://api.example.com/v1")
                                           .transport(transport)
                                           .auth(scheme.auth)
                                           .limit(perMinute(100), lockout())
                                           .retry(once)
                                           .followRedirects(2)
                                           .observer(log)
                                           .build();
                    const Result<Response> result = api.trySend(api.get("/x").query("q", "1"));
                    if (result) continue;
                    types.insert(result.error().name());
                    check(shown(result.error()),
                          std::to_string(status) + ", spot " + std::to_string(spot) + ", form " + std::to_string(form));
                }
        check(log->text, "the log");
        log->text.clear();
    }
    std::cout << "leak cases: " << cases << ", error types: " << types.size() << "\n";
    BOOST_TEST(types.size() >= 7u);
}

BOOST_AUTO_TEST_CASE(no_request_id_shows_a_secret_when_an_answer_cannot_be_read)
{
    const auto fixed = [](const std::string& text) { return fixedSource(Secret(text)); };
    std::size_t cases = 0;
    for (const char* field : requestIdFields) {
        const auto refused = [&](const std::vector<std::string>& secrets, const std::string& body, const auto& read) {
            for (std::size_t form = 0; form < 2 + 4 * secrets.size(); ++form) {
                const auto transport = testing::ScriptedTransport::create(testing::VirtualClock::create());
                transport->otherwise([&](Exchange& exchange) {
                    ResponseHead head;
                    head.status = 200;
                    head.headers.add(field, "id-7 " + echoes(exchange, secrets).at(form) + "\xc2\x9b");
                    return Response(std::move(head), body);
                });
                ++cases;
                try {
                    read(transport);
                    BOOST_ERROR("an answer without sense was read");
                } catch (const UnexpectedContent& error) {
                    BOOST_TEST(error.requestId().substr(0, 5) == "id-7 ");
                    BOOST_TEST(error.requestId().find("\xc2\x9b") == std::string::npos);
                    for (const std::string& secret : secrets)
                        BOOST_CHECK_MESSAGE(!holdsPieceOf(shown(error), secret) &&
                                                !holdsPieceOf(shown(error), percentEncode(secret)),
                                            field << ": a secret shows in " << shown(error));
                }
            }
        };
        for (const Scheme& scheme : schemes())
            for (const char* body : {"<html></html>", "", "{", "[123456789012345678901234567890]"})
                refused(scheme.secrets, body, [&](const TransportPtr& transport) {
                    const Client api = Client::to("https://api.example.com").transport(transport).auth(scheme.auth).build();
                    api.get("/x").send().json();
                });
        for (const char* body : {"{}", "{\"data\":7}"}) {
            refused({user, key, site, base64(user + ':' + key)}, body, [&](const TransportPtr& transport) {
                BentoOptions options;
                options.userAgent = "Test/1.0";
                options.transport = transport;
                options.publishableKey = fixed(user);
                options.secretKey = fixed(key);
                options.siteUuid = fixed(site);
                Bento(options).tags();
            });
            refused({key}, body, [&](const TransportPtr& transport) {
                ChatbotOptions options;
                options.userAgent = "Test/1.0";
                options.transport = transport;
                options.baseUrl = "https://bots.example.com";
                options.apiKey = fixed(key);
                Chatbot(options).bots();
            });
        }
    }
    std::cout << "request id cases: " << cases << "\n";
}

// What a server says goes to terminals and logs: none of it may move a cursor, forge a line or turn the writing round.
BOOST_AUTO_TEST_CASE(what_a_server_says_is_harmless_to_read)
{
    struct Lines final : Poco::Channel
    {
        void log(const Poco::Message& message) override { text += message.getText(); }
        std::string text;
    };
    Poco::AutoPtr<Lines> lines(new Lines);
    Poco::Logger& logger = Poco::Logger::create("LeakTest", lines, Poco::Message::PRIO_DEBUG);
    const std::string harmful =
        "\xc2\x9b"
        "2J\xc2\x85\xe2\x80\xaeten\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8\x1b[2J\r\nok\x7f\x9b Stra\xc3\x9f"
        "e";
    const auto checkHarmless = [](const std::string& text) {
        for (const char* one :
             {"\xc2\x9b", "\xc2\x85", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\x8f", "\xd8\x9c", "\xe2\x80\xa8"})
            BOOST_TEST(text.find(one) == std::string::npos, text);
        BOOST_TEST(std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == 0x9b; }),
                   text);
        BOOST_TEST(text.find("Stra\xc3\x9f"
                             "e") != std::string::npos,
                   text); // letters may be any
    };
    const Secret token("secret-token-0123456789");
    for (const int status : {200, 302, 404, 503})
        for (const char* field : requestIdFields) {
            const auto transport = testing::ScriptedTransport::create(testing::VirtualClock::create());
            transport->otherwise([&](Exchange&) {
                ResponseHead head;
                head.status = status;
                head.reason = harmful;
                head.headers.add("Location", "https://elsewhere.example.com/\"");
                head.headers.add(field, "id-7 " + std::string(token.expose()) + harmful + std::string(10'000, 'x'));
                return Response(std::move(head), "<p>" + harmful);
            });
            lines->text.clear();
            const Client api = Client::to("https://api.example.com")
                                   .transport(transport)
                                   .auth(bearer(token))
                                   .followRedirects(1)
                                   .observer(poco::loggerObserver(logger))
                                   .build();
            try {
                api.get("/x").send().json();
                BOOST_ERROR("an error was no error");
            } catch (const Error& error) {
                if (status != 302) checkHarmless(error.what()); // what it says of a redirect is not the server's
                checkHarmless(error.requestId());
                BOOST_TEST(error.requestId().substr(0, 8) == "id-7 ***");
                BOOST_TEST(error.requestId().size() < 300u); // useful, and no more
            }
            checkHarmless(lines->text);
        }
    Poco::Logger::destroy("LeakTest");
}

BOOST_AUTO_TEST_CASE(no_leaf_shows_a_secret_that_a_stage_or_transport_put_into_it)
{
    std::size_t cases = 0;
    for (const Scheme& scheme : schemes()) {
        const auto each = [&](auto* leaf) {
            using Leaf = std::remove_pointer_t<decltype(leaf)>;
            for (const std::string& secret : scheme.secrets) {
                const auto transport = testing::ScriptedTransport::create(testing::VirtualClock::create());
                transport->otherwise([&](Exchange& exchange) -> Response {
                    ErrorDetails details;
                    details.message = "could not send " + exchange.url.text() + " with " +
                                      std::string(exchange.headers.get("Authorization", ""));
                    details.hint = "Do not use " + secret;
                    details.support = "Show them " + secret;
                    details.cause = percentEncode(secret);
                    details.requestId = secret;
                    throw Leaf(std::move(details));
                });
                const Client api = Client::to("https://api.example.com").transport(transport).auth(scheme.auth).build();
                const Result<Response> result = api.trySend(api.get("/x"));
                BOOST_REQUIRE(!result);
                BOOST_TEST(result.error().name() == Leaf::typeName);
                for (const std::string& one : scheme.secrets)
                    BOOST_CHECK_MESSAGE(!holdsPieceOf(shown(result.error()), one),
                                        scheme.name << ": " << Leaf::typeName << " shows a secret");
                ++cases;
            }
        };
        const auto all = [&each](auto*... leaves) { (each(leaves), ...); };
        all(static_cast<Error*>(nullptr), static_cast<ConfigurationError*>(nullptr), static_cast<MissingCredential*>(nullptr),
            static_cast<InvalidCredential*>(nullptr), static_cast<InvalidRequest*>(nullptr), static_cast<InvalidUrl*>(nullptr),
            static_cast<InsecureTransport*>(nullptr), static_cast<MissingScope*>(nullptr), static_cast<RateLimited*>(nullptr),
            static_cast<LockedOut*>(nullptr), static_cast<CredentialRejected*>(nullptr), static_cast<StoreUnavailable*>(nullptr),
            static_cast<Cancelled*>(nullptr), static_cast<TransportError*>(nullptr), static_cast<Timeout*>(nullptr),
            static_cast<NameResolutionError*>(nullptr), static_cast<ConnectError*>(nullptr), static_cast<TlsError*>(nullptr),
            static_cast<ConnectionLost*>(nullptr), static_cast<ProtocolError*>(nullptr), static_cast<ResponseTooLarge*>(nullptr),
            static_cast<HttpError*>(nullptr), static_cast<BadRequest*>(nullptr), static_cast<PermissionDenied*>(nullptr),
            static_cast<NotFound*>(nullptr), static_cast<ServerError*>(nullptr), static_cast<Blocked*>(nullptr),
            static_cast<UnexpectedContent*>(nullptr));
    }
    std::cout << "leaf cases: " << cases << "\n";
}

BOOST_AUTO_TEST_SUITE_END()
