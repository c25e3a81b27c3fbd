#include "Scripted.h"

#include <tollgate/poco/LoggerObserver.h>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Message.h>

using namespace tollgate;
using namespace scripted;

namespace {

class Collector : public Poco::Channel
{
public:
    void log(const Poco::Message& message) override { messages.push_back(message); }
    std::vector<Poco::Message> messages;
};

struct Fixture
{
    Poco::AutoPtr<Collector> collector{new Collector};
    Poco::Logger& logger = Poco::Logger::create("LoggerObserverTests", collector, Poco::Message::PRIO_DEBUG);
    ~Fixture() { Poco::Logger::destroy("LoggerObserverTests"); }
};

Bento observed(std::shared_ptr<ScriptedTransport> transport, ObserverPtr observer)
{
    BentoOptions options;
    options.userAgent = "Test/1.0";
    options.transport = std::move(transport);
    options.publishableKey = fixed(publishableKey);
    options.secretKey = fixed(secretKey);
    options.siteUuid = fixed(siteUuid);
    options.observer = std::move(observer);
    return Bento(options);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(LoggerObserverTests, Fixture)

BOOST_AUTO_TEST_CASE(AttemptsAreLoggedWithoutSecrets)
{
    auto transport = script();
    transport->fail(connectionLost(Delivery::MaybeProcessed)).answer(200, R"({"data":[]})");
    observed(transport, poco::loggerObserver(logger)).tags();
    BOOST_REQUIRE_EQUAL(collector->messages.size(), 2U);
    BOOST_CHECK_EQUAL(collector->messages[0].getPriority(), Poco::Message::PRIO_WARNING);
    BOOST_CHECK(contains(collector->messages[0].getText(), "ConnectionLost"));
    BOOST_CHECK_EQUAL(collector->messages[1].getPriority(), Poco::Message::PRIO_DEBUG);
    BOOST_CHECK(contains(collector->messages[1].getText(), "GET https://app.bentonow.com/api/v1/fetch/tags"));
    BOOST_CHECK(contains(collector->messages[1].getText(), "status 200"));
    for (const auto& message : collector->messages) checkHoldsNoSecret(message.getText());
}

BOOST_AUTO_TEST_CASE(ErrorAnswersAreWarnings)
{
    BOOST_CHECK_THROW(observed(always(404, "{}"), poco::loggerObserver(logger)).tags(), NotFound);
    BOOST_REQUIRE_EQUAL(collector->messages.size(), 1U);
    BOOST_CHECK_EQUAL(collector->messages[0].getPriority(), Poco::Message::PRIO_WARNING);
    BOOST_CHECK(contains(collector->messages[0].getText(), "status 404"));
}

BOOST_AUTO_TEST_CASE(NoticesAreInformation)
{
    poco::loggerObserver(logger)->onNotice({"two limits differ"});
    BOOST_REQUIRE_EQUAL(collector->messages.size(), 1U);
    BOOST_CHECK_EQUAL(collector->messages[0].getPriority(), Poco::Message::PRIO_INFORMATION);
    BOOST_CHECK_EQUAL(collector->messages[0].getText(), "two limits differ");
}

BOOST_AUTO_TEST_CASE(QuietLoggersHearOnlyOfTrouble)
{
    logger.setLevel(Poco::Message::PRIO_INFORMATION);
    observed(always(200, R"({"data":[]})"), poco::loggerObserver(logger)).tags();
    BOOST_CHECK(collector->messages.empty());
}

BOOST_AUTO_TEST_CASE(TheLoggerOutlivesItsRegistry)
{
    const ObserverPtr observer = poco::loggerObserver(logger);
    Poco::Logger::destroy("LoggerObserverTests"); // what a logging subsystem does when it ends
    observer->onNotice({"still here"});
    BOOST_CHECK_EQUAL(collector->messages.size(), 1U);
}

BOOST_AUTO_TEST_CASE(AnOldCatchStillCatches)
{
    try {
        bandoOver(always(404, "{}")).coolness();
        BOOST_ERROR("nothing was thrown");
    } catch (const Poco::Exception& problem) {
        BOOST_CHECK(contains(problem.displayText(), "NotFound: Bando does not know this (404)."));
    }
}

BOOST_AUTO_TEST_SUITE_END()
