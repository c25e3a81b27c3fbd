// What the report of an import or of events says: every row counted once, and which ones may have been taken unseen.

#include "Scripted.h"

using namespace tollgate;
using namespace scripted;
using bento::Event;
using bento::ImportReport;
using bento::SubscriberRow;

namespace {

std::vector<SubscriberRow> rows(std::size_t count)
{
    std::vector<SubscriberRow> all(count);
    for (std::size_t i = 0; i < count; ++i) all[i].email = "user" + std::to_string(i) + "@example.com";
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(BentoReportTests)

BOOST_AUTO_TEST_CASE(EveryRowIsCountedOnce)
{
    struct Case
    {
        const char* body;
        std::uint64_t imported, named, unnamed;
    };
    for (const Case& each : {
             Case{R"({"results":2,"failed":1,"errors":[{"index":1},{"index":1}]})", 2, 1, 0},
             Case{R"({"results":1,"failed":0})", 1, 0, 2},
             Case{R"({"results":1})", 1, 0, 2},
             Case{R"({"results":1,"failed":500})", 1, 0, 2},
             Case{R"({"results":-5,"failed":-1})", 0, 0, 3},
             Case{R"({"results":9,"failed":0})", 3, 0, 0},
             Case{R"({"results":3,"failed":1})", 2, 0, 1},
             Case{R"({"results":3,"failed":0,"errors":[{"index":0},{"index":2},{"index":3},{"index":-1}]})", 1, 2, 0},
             Case{R"({"results":0,"failed":3,"errors":[{"index":0},{"index":1},{"index":2},{"index":0}]})", 0, 3, 0},
         })
    {
        const ImportReport report = bentoOver(always(200, each.body)).importSubscribers(rows(3)).run();
        BOOST_TEST_CONTEXT(each.body)
        {
            BOOST_CHECK(report.complete());
            BOOST_CHECK_EQUAL(report.imported, each.imported);
            BOOST_CHECK_EQUAL(report.failures.size(), each.named);
            BOOST_CHECK_EQUAL(report.unnamed.empty() ? 0 : report.unnamed[0].count, each.unnamed);
            BOOST_CHECK_EQUAL(report.failed, each.named + each.unnamed);
        }
    }
}

BOOST_AUTO_TEST_CASE(AllReasonsForARowStandInOneFailure)
{
    auto transport = always(
        200, R"({"results":1,"failed":1,"errors":[{"index":1,"error":"bounced"},{"index":1},{"index":1,"error":"gone"}]})");
    const ImportReport report = bentoOver(transport).importSubscribers(rows(2)).run();
    BOOST_REQUIRE_EQUAL(report.failures.size(), 1U);
    BOOST_CHECK_EQUAL(report.failures[0].row, 1U);
    BOOST_CHECK_EQUAL(report.failures[0].reason, "bounced; gone");
}

BOOST_AUTO_TEST_CASE(EventsThatMayHaveBeenTakenAreTold)
{
    const auto reportFor = [](const ErrorPtr& failure, const std::vector<Event>& events) {
        auto transport = script();
        transport->answer(200, R"({"results":10,"failed":0})").otherwise([failure](Exchange&) {
            failure->rethrow();
            return Response(ResponseHead{}, std::string());
        });
        return bentoOver(transport, 10).trySendEvents(events);
    };
    std::vector<Event> plain(25, Event{"x", "a@b.co"}), unique = plain;
    for (std::size_t i = 0; i < unique.size(); ++i) unique[i].uniqueKey = "k" + std::to_string(i);

    const ImportReport lost = reportFor(connectionLost(Delivery::MaybeProcessed), plain);
    BOOST_CHECK_EQUAL(lost.resumeFrom, 10U);
    BOOST_CHECK_EQUAL(lost.maybeTakenTo, 20U);
    BOOST_CHECK(!lost.repeatable);
    thrownBy<ConnectionLost>([&] { lost.orThrow(); }, {"Go on from row 10", "Rows 10 to 19 may have been taken already",
                                                       "look in Bento which of these events are there"});

    const ImportReport harmless = reportFor(connectionLost(Delivery::MaybeProcessed), unique);
    BOOST_CHECK_EQUAL(harmless.maybeTakenTo, 20U);
    BOOST_CHECK(harmless.repeatable);
    thrownBy<ConnectionLost>([&] { harmless.orThrow(); }, {"Rows 10 to 19 may have been taken already", "does no harm"});

    const ImportReport notSent = reportFor(connectionLost(Delivery::NotSent), plain);
    BOOST_CHECK_EQUAL(notSent.resumeFrom, 10U);
    BOOST_CHECK_EQUAL(notSent.maybeTakenTo, 10U);
    const auto error = thrownBy<ConnectionLost>([&] { notSent.orThrow(); }, {"Go on from row 10"});
    BOOST_CHECK(!contains(error->hint(), "may have been taken"));
}

BOOST_AUTO_TEST_CASE(AnAnswerTellsWhetherEventsMayHaveBeenTaken)
{
    const auto maybeTakenTo = [](int status, const std::string& body) {
        const ImportReport report = bentoOver(always(status, body)).trySendEvents(std::vector<Event>(3, Event{"x", "a@b.co"}));
        BOOST_CHECK(!report.complete());
        BOOST_CHECK_EQUAL(report.resumeFrom, 0U);
        return report.maybeTakenTo;
    };
    for (const int refusal : {400, 401, 403, 404, 422, 429}) BOOST_CHECK_EQUAL(maybeTakenTo(refusal, "{}"), 0U);
    for (const int failure : {408, 500, 502, 504}) BOOST_CHECK_EQUAL(maybeTakenTo(failure, "{}"), 3U);
    BOOST_CHECK_EQUAL(maybeTakenTo(200, "oops"), 3U);
    BOOST_CHECK_EQUAL(maybeTakenTo(200, "{}"), 3U);
}

BOOST_AUTO_TEST_CASE(ARefusalDoesNotUndoALostAttempt)
{
    auto transport = script();
    transport->fail(connectionLost(Delivery::MaybeProcessed)).answer(401, "{}");
    const ImportReport report = bentoOver(transport).importSubscribers(rows(4)).run();
    BOOST_CHECK_EQUAL(transport->sent().size(), 2U);
    BOOST_CHECK_EQUAL(report.maybeTakenTo, 4U);
    thrownBy<CredentialRejected>([&] { report.orThrow(); }, {"Rows 0 to 3 may have been taken already", "does no harm"});
}

BOOST_AUTO_TEST_SUITE_END()
