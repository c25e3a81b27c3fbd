// Every fault switch of the sandbox, for every provider, becomes the right type of error.

#include "OverSandbox.h"

#include <functional>

using namespace tollgate;
using namespace scripted;
using tollgate::testing::Fault;
using tollgate::testing::Provider;
using tollgate::testing::Sandbox;

namespace {

struct FaultCase
{
    Fault fault;
    std::string error; ///< name of the type
    std::chrono::milliseconds timeout{10'000};
};

std::vector<FaultCase> faultCases()
{
    using Kind = Fault::Kind;
    using std::chrono::milliseconds;
    Fault throttled = Fault::answer(429);
    throttled.retryAfter = std::chrono::seconds(3600); // too long to be slept through
    std::vector<FaultCase> cases{{throttled, "RateLimited"},
                                 {Fault::of(Kind::HtmlPage), "Blocked"},
                                 {Fault::of(Kind::Blocked), "Blocked"},
                                 {Fault::of(Kind::TruncatedJson), "UnexpectedContent"},
                                 {Fault::of(Kind::ShortBody), "ConnectionLost"},
                                 {Fault::of(Kind::StalledBody), "Timeout", milliseconds(300)},
                                 {Fault::of(Kind::Reset), "ConnectionLost"},
                                 {Fault::slow(milliseconds(5'000)), "Timeout", milliseconds(300)}};
    for (const auto& [status, error] : std::initializer_list<std::pair<int, const char*>>{{400, "BadRequest"},
                                                                                          {401, "CredentialRejected"},
                                                                                          {402, "HttpError"},
                                                                                          {403, "PermissionDenied"},
                                                                                          {404, "NotFound"},
                                                                                          {422, "BadRequest"},
                                                                                          {500, "ServerError"},
                                                                                          {502, "ServerError"},
                                                                                          {503, "ServerError"}})
        cases.push_back({Fault::answer(status), error});
    return cases;
}

/// One call that answers JSON.
void callOnce(const Sandbox& sandbox, Provider provider, Duration timeout)
{
    RetryPolicy once;
    once.attempts = 1;
    const auto set = [&](auto options) {
        options.timeout = timeout;
        options.retry = once;
        return options;
    };
    switch (provider) {
    case Provider::Bento: Bento(set(over::bentoOptions(sandbox))).tags(); return;
    case Provider::Bentoo: Bentoo(set(over::bentooOptions(sandbox))).models(); return;
    case Provider::Bando: Bando(set(over::bandoOptions(sandbox))).products(); return;
    case Provider::Chatbot: Chatbot(set(over::chatbotOptions(sandbox, sandbox.chatbot().readKey, {"read"}))).bots(); return;
    }
}

const char* nameOf(Provider provider)
{
    switch (provider) {
    case Provider::Bento: return "Bento";
    case Provider::Bentoo: return "Bentoo";
    case Provider::Bando: return "Bando";
    case Provider::Chatbot: return "Chatbot";
    }
    return "";
}

/// The type that the provider makes of it.
std::string expected(const FaultCase& fault, Provider provider)
{
    // Bentoo bills by credit: 402 says that there is none left.
    return provider == Provider::Bentoo && fault.error == "HttpError" ? "PermissionDenied" : fault.error;
}

} // namespace

BOOST_AUTO_TEST_SUITE(FaultTests)

BOOST_AUTO_TEST_CASE(EveryFaultBecomesItsError)
{
    std::size_t count = 0;
    Sandbox sandbox;
    for (const Provider provider : {Provider::Bento, Provider::Bentoo, Provider::Bando, Provider::Chatbot}) {
        for (const FaultCase& fault : faultCases()) {
            sandbox.clearFaults();
            sandbox.inject(provider, fault.fault);
            const std::string what = std::string(nameOf(provider)) + ", fault " + std::to_string(++count);
            try {
                callOnce(sandbox, provider, fault.timeout);
                BOOST_ERROR(what << ": nothing was thrown");
            } catch (const Error& error) {
                BOOST_CHECK_MESSAGE(error.name() == expected(fault, provider),
                                    what << ": " << error.displayText() << " where " << expected(fault, provider) << " is due");
                for (const std::string& secret : {sandbox.bento().secretKey, sandbox.bento().siteUuid, sandbox.bentoo().apiKey,
                                                  sandbox.bando().token, sandbox.chatbot().readKey})
                    BOOST_CHECK(!contains(error.displayText() + error.what(), secret));
            }
        }
    }
    BOOST_TEST_MESSAGE("provider fault cases: " << count);
    BOOST_CHECK_EQUAL(count, 68U);
}

BOOST_AUTO_TEST_CASE(AfterTheFaultAllIsWell)
{
    Sandbox sandbox;
    sandbox.inject(Provider::Bento, Fault::answer(500));
    sandbox.inject(Provider::Bento, Fault::slow(std::chrono::milliseconds(20)));
    const Bento api(over::bentoOptions(sandbox));
    BOOST_CHECK(api.tags().empty()); // reading is repeated
    BOOST_CHECK_EQUAL(sandbox.requests(Provider::Bento).size(), 2U);
}

BOOST_AUTO_TEST_SUITE_END()
