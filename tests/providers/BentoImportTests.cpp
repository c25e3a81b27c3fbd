#include "Scripted.h"

#include <tollgate/Json.h>

#include <limits>
#include <optional>

using namespace tollgate;
using namespace scripted;
using bento::Event;
using bento::ImportProgress;
using bento::ImportReport;
using bento::SubscriberRow;

namespace {

std::string address(std::size_t row) { return "user" + std::to_string(row) + "@example.com"; }

std::vector<SubscriberRow> rows(std::size_t count)
{
    std::vector<SubscriberRow> all(count);
    for (std::size_t i = 0; i < count; ++i) all[i].email = address(i);
    return all;
}

Poco::JSON::Array::Ptr listIn(const std::string& body, const char* name)
{
    return parseJson(body).extract<Poco::JSON::Object::Ptr>()->getArray(name);
}

Response taken(std::size_t results, std::size_t failed = 0, const std::string& errors = {})
{
    ResponseHead head;
    head.status = 200;
    return {head, "{\"results\":" + std::to_string(results) + ",\"failed\":" + std::to_string(failed) + errors + "}"};
}

/// Takes everything, and remembers the addresses.
std::shared_ptr<ScriptedTransport> takesAll(std::vector<std::string>& addresses, const char* list = "subscribers")
{
    auto transport = script();
    transport->otherwise([&addresses, list](Exchange& exchange) {
        const auto items = listIn(std::string(*exchange.body->view()), list);
        for (const auto& item : *items)
            addresses.push_back(item.extract<Poco::JSON::Object::Ptr>()->getValue<std::string>("email"));
        return taken(items->size());
    });
    return transport;
}

std::string bodyFor(const SubscriberRow& row)
{
    auto transport = script();
    transport->answer(200, R"({"results":1,"failed":0})");
    (void)bentoOver(transport).importSubscribers({row}).run().orThrow();
    return transport->sent().empty() ? std::string() : transport->sent()[0].body;
}

std::string reasonFor(const SubscriberRow& row)
{
    auto transport = script();
    const ImportReport report = bentoOver(transport).importSubscribers({row}).run();
    BOOST_CHECK(transport->sent().empty());
    BOOST_CHECK_EQUAL(report.failed, 1U);
    return report.failures.empty() ? std::string() : report.failures[0].reason;
}

std::string bodyFor(const Event& event)
{
    auto transport = script();
    transport->answer(200, R"({"results":1,"failed":0})");
    bentoOver(transport).sendEvents({event});
    return transport->sent().empty() ? std::string() : transport->sent()[0].body;
}

std::string reasonFor(const Event& event)
{
    auto transport = script();
    const ImportReport report = bentoOver(transport).sendEvents({event});
    BOOST_CHECK(transport->sent().empty());
    return report.failures.size() == 1 ? report.failures[0].reason : std::string();
}

SubscriberRow withAddress(const std::string& email)
{
    SubscriberRow row;
    row.email = email;
    return row;
}

} // namespace

BOOST_AUTO_TEST_SUITE(BentoImportTests)

BOOST_AUTO_TEST_CASE(RowsGoOutInChunks)
{
    std::vector<std::string> addresses;
    auto transport = takesAll(addresses);
    std::vector<ImportProgress> progress;
    const ImportReport report = bentoOver(transport)
                                    .importSubscribers(rows(2500))
                                    .onProgress([&](const ImportProgress& p) { progress.push_back(p); })
                                    .run();
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(report.imported, 2500U);
    BOOST_CHECK_EQUAL(report.failed, 0U);
    BOOST_CHECK_EQUAL(report.chunks, 3U);
    BOOST_CHECK_EQUAL(report.resumeFrom, 2500U);
    BOOST_REQUIRE_EQUAL(addresses.size(), 2500U);
    for (std::size_t i = 0; i < addresses.size(); ++i) BOOST_REQUIRE_EQUAL(addresses[i], address(i));
    BOOST_REQUIRE_EQUAL(progress.size(), 3U);
    BOOST_CHECK_EQUAL(progress[0].rowsDone, 1000U);
    BOOST_CHECK_EQUAL(progress[2].rowsDone, 2500U);
    BOOST_CHECK_EQUAL(progress[2].chunks, 3U);
    BOOST_CHECK(contains(transport->sent()[0].url, "/api/v1/batch/subscribers?"));
}

BOOST_AUTO_TEST_CASE(ChunksEndWhereTheRowsEnd)
{
    for (const std::size_t count : std::initializer_list<std::size_t>{0, 1, 9, 10, 11, 20}) {
        std::vector<std::string> addresses;
        auto transport = takesAll(addresses);
        const ImportReport report = bentoOver(transport, 10).importSubscribers(rows(count)).run();
        BOOST_CHECK_EQUAL(addresses.size(), count);
        BOOST_CHECK_EQUAL(report.resumeFrom, count);
        BOOST_CHECK_EQUAL(transport->sent().size(), (count + 9) / 10);
    }
}

BOOST_AUTO_TEST_CASE(RowsComeFromAProducerOneChunkAtATime)
{
    std::size_t made = 0;
    std::vector<std::size_t> madeAtSending;
    auto transport = script();
    transport->otherwise([&](Exchange& exchange) {
        madeAtSending.push_back(made);
        return taken(listIn(std::string(*exchange.body->view()), "subscribers")->size());
    });
    const ImportReport report = bentoOver(transport, 100)
                                    .importSubscribers([&made]() -> std::optional<SubscriberRow> {
                                        if (made == 250) return std::nullopt;
                                        return withAddress(address(made++));
                                    })
                                    .run();
    BOOST_CHECK_EQUAL(report.imported, 250U);
    const std::vector<std::size_t> expected{100, 200, 250};
    BOOST_CHECK_EQUAL_COLLECTIONS(madeAtSending.begin(), madeAtSending.end(), expected.begin(), expected.end());
}

BOOST_AUTO_TEST_CASE(BadRowsAreReportedByNumberAndTheGoodOnesGo)
{
    std::vector<std::string> addresses;
    auto transport = takesAll(addresses);
    auto all = rows(25);
    all[3].email = "";
    all[12].email = "nobody";
    all[24].firstName = "\xff";
    const ImportReport report = bentoOver(transport, 10).importSubscribers(all).run();
    BOOST_CHECK_EQUAL(report.imported, 22U);
    BOOST_CHECK_EQUAL(report.failed, 3U);
    BOOST_REQUIRE_EQUAL(report.failures.size(), 3U);
    BOOST_CHECK_EQUAL(report.failures[0].row, 3U);
    BOOST_CHECK_EQUAL(report.failures[0].reason, "it has no email address");
    BOOST_CHECK_EQUAL(report.failures[1].row, 12U);
    BOOST_CHECK(contains(report.failures[1].reason, "no @"));
    BOOST_CHECK_EQUAL(report.failures[2].row, 24U);
    BOOST_CHECK(contains(report.failures[2].reason, "first_name"));
    BOOST_CHECK_EQUAL(report.resumeFrom, 25U);
    BOOST_CHECK_EQUAL(addresses.size(), 22U);
}

BOOST_AUTO_TEST_CASE(OnlyBadRowsSendNothing)
{
    auto transport = script();
    std::vector<SubscriberRow> all(35);
    std::size_t told = 0;
    const ImportReport report =
        bentoOver(transport, 10).importSubscribers(all).onProgress([&](const ImportProgress&) { ++told; }).run();
    BOOST_CHECK(transport->sent().empty());
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(report.failed, 35U);
    BOOST_CHECK_EQUAL(report.chunks, 0U);
    BOOST_CHECK_EQUAL(told, 4U);
}

BOOST_AUTO_TEST_CASE(FailuresThatTheServerNamesGetTheirAbsoluteNumber)
{
    auto transport = script();
    std::size_t chunk = 0;
    transport->otherwise([&chunk](Exchange& exchange) {
        const std::size_t size = listIn(std::string(*exchange.body->view()), "subscribers")->size();
        return chunk++ == 1 ? taken(size - 3, 3, R"(,"errors":[{"index":4,"error":"bounced"},{"index":0,"error":"gone"}])")
                            : taken(size);
    });
    auto all = rows(30);
    all[11].email = "x"; // so that positions in the second chunk and rows differ
    const ImportReport report = bentoOver(transport, 10).importSubscribers(all).run();
    // The second chunk holds rows 10 and 12 to 20.
    BOOST_REQUIRE_EQUAL(report.failures.size(), 3U);
    BOOST_CHECK_EQUAL(report.failures[0].row, 10U);
    BOOST_CHECK_EQUAL(report.failures[0].reason, "gone");
    BOOST_CHECK_EQUAL(report.failures[1].row, 11U);
    BOOST_CHECK_EQUAL(report.failures[2].row, 15U);
    BOOST_CHECK_EQUAL(report.failures[2].reason, "bounced");
    BOOST_REQUIRE_EQUAL(report.unnamed.size(), 1U);
    BOOST_CHECK_EQUAL(report.unnamed[0].count, 1U);
    BOOST_CHECK_EQUAL(report.unnamed[0].firstRow, 10U);
    BOOST_CHECK_EQUAL(report.unnamed[0].lastRow, 20U);
    BOOST_CHECK_EQUAL(report.failed, 4U);
    BOOST_CHECK_EQUAL(report.imported, 26U);
}

BOOST_AUTO_TEST_CASE(ToStartBehindTheEndIsToldByTheNumberOfRows)
{
    std::size_t asked = 0;
    const auto source = [&asked]() -> std::optional<SubscriberRow> {
        if (++asked <= 3) return withAddress(address(asked));
        return std::nullopt;
    };
    auto transport = script();
    const ImportReport report = bentoOver(transport).importSubscribers(source).startAt(10).run();
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(report.resumeFrom, 3U);
    BOOST_CHECK_EQUAL(report.maybeTakenTo, 3U);
    BOOST_CHECK_EQUAL(asked, 4U); // three rows and the end, which is told once
    BOOST_CHECK(transport->sent().empty());
}

BOOST_AUTO_TEST_CASE(AFailureForGoodTellsWhereToGoOn)
{
    std::vector<std::string> addresses;
    auto all = rows(50);
    all[5].email = all[25].email = "bad";
    bool broken = true;
    auto transport = script();
    transport->otherwise([&](Exchange& exchange) {
        const auto items = listIn(std::string(*exchange.body->view()), "subscribers");
        if (broken && addresses.size() == 20) {
            ResponseHead head;
            head.status = 401;
            return Response(head, R"({"error":"Unauthorized"})");
        }
        for (const auto& item : *items)
            addresses.push_back(item.extract<Poco::JSON::Object::Ptr>()->getValue<std::string>("email"));
        return taken(items->size());
    });
    const ImportReport report = bentoOver(transport, 10).importSubscribers(all).run();
    BOOST_CHECK(!report.complete());
    BOOST_CHECK_EQUAL(report.imported, 20U);
    BOOST_CHECK_EQUAL(report.failed, 1U); // row 25 is behind resumeFrom, so it comes again
    BOOST_CHECK_EQUAL(report.resumeFrom, 21U);
    BOOST_REQUIRE(report.error);
    BOOST_CHECK_EQUAL(report.error->name(), std::string("CredentialRejected"));
    thrownBy<CredentialRejected>([&] { report.orThrow(); },
                                 {"20 rows were taken and 1 refused", "Go on from row 21", "site_uuid"});

    broken = false;
    const ImportReport rest = bentoOver(script(), 10).importSubscribers(all).startAt(50).run();
    BOOST_CHECK_EQUAL(rest.resumeFrom, 50U);
    auto again = takesAll(addresses);
    const ImportReport second = bentoOver(again, 10).importSubscribers(all).startAt(report.resumeFrom).run();
    BOOST_CHECK(second.complete());
    BOOST_CHECK_EQUAL(second.imported, 28U);
    BOOST_REQUIRE_EQUAL(second.failures.size(), 1U);
    BOOST_CHECK_EQUAL(second.failures[0].row, 25U);
    BOOST_CHECK_EQUAL(second.resumeFrom, 50U);
    BOOST_CHECK_EQUAL(addresses.size(), 48U); // each good row once
}

BOOST_AUTO_TEST_CASE(AChunkIsRepeatedAfterALostConnection)
{
    auto transport = script();
    transport->fail(connectionLost(Delivery::MaybeProcessed)).answer(200, R"({"results":2,"failed":0})");
    const ImportReport report = bentoOver(transport).importSubscribers(rows(2)).run();
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(transport->sent().size(), 2U);
    BOOST_CHECK_EQUAL(transport->sent()[0].body, transport->sent()[1].body);
}

BOOST_AUTO_TEST_CASE(AnAnswerWithoutCountsStopsTheImport)
{
    for (const char* body : {"{}", "[]", R"({"results":"many"})", "oops"}) {
        const ImportReport report = bentoOver(always(200, body)).importSubscribers(rows(2)).run();
        BOOST_REQUIRE(report.error);
        BOOST_CHECK_EQUAL(report.error->name(), std::string("UnexpectedContent"));
        BOOST_CHECK_EQUAL(report.resumeFrom, 0U);
    }
}

BOOST_AUTO_TEST_CASE(LimitsAreKeptAndTheWaitIsTold)
{
    std::vector<std::string> addresses;
    auto transport = takesAll(addresses);
    const TimePoint start = transport->clock()->now();
    Duration waited{};
    const ImportReport report = bentoOver(transport, 1)
                                    .importSubscribers(rows(250))
                                    .onProgress([&](const ImportProgress& p) { waited = p.waited; })
                                    .run();
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(addresses.size(), 250U);
    const auto sent = transport->sent();
    for (std::size_t i = 100; i < sent.size(); ++i) BOOST_REQUIRE(sent[i].at - sent[i - 100].at >= std::chrono::minutes(1));
    BOOST_CHECK(transport->clock()->now() - start >= std::chrono::minutes(2));
    BOOST_CHECK(report.waited >= std::chrono::minutes(2));
    BOOST_CHECK(waited == report.waited);
}

BOOST_AUTO_TEST_CASE(AChunkTimeoutThatIsTooShortForThePermitIsToldAtOnce)
{
    std::vector<std::string> addresses;
    auto transport = takesAll(addresses);
    const ImportReport report = bentoOver(transport, 1).importSubscribers(rows(150)).chunkTimeout(std::chrono::seconds(5)).run();
    BOOST_REQUIRE(report.error);
    BOOST_CHECK_EQUAL(report.error->name(), std::string("RateLimited"));
    BOOST_CHECK(report.error->delivery() == Delivery::NotSent);
    BOOST_CHECK_EQUAL(report.resumeFrom, 100U);
}

BOOST_AUTO_TEST_CASE(AnImportCanBeCancelled)
{
    std::vector<std::string> addresses;
    CancellationSource source;
    const ImportReport report = bentoOver(takesAll(addresses), 10)
                                    .importSubscribers(rows(100))
                                    .cancellation(source.token())
                                    .onProgress([&](const ImportProgress& p) {
                                        if (p.rowsDone == 30) source.cancel();
                                    })
                                    .run();
    BOOST_REQUIRE(report.error);
    BOOST_CHECK_EQUAL(report.error->name(), std::string("Cancelled"));
    BOOST_CHECK_EQUAL(report.resumeFrom, 30U);
    BOOST_CHECK_EQUAL(addresses.size(), 30U);
}

BOOST_AUTO_TEST_CASE(ChunkSizesOutOfRangeAreRefused)
{
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1001})
        thrownBy<ConfigurationError>([&] { (void)bentoOver(script()).importSubscribers(rows(1)).chunkSize(size).run(); },
                                     {"1 to 1000"});
    std::vector<std::string> addresses;
    auto transport = takesAll(addresses);
    BOOST_CHECK_EQUAL(bentoOver(transport).importSubscribers(rows(7)).chunkSize(3).run().chunks, 3U);
}

BOOST_AUTO_TEST_CASE(WhatTheRowSourceThrowsPassesThrough)
{
    auto import =
        bentoOver(script()).importSubscribers([]() -> std::optional<SubscriberRow> { throw std::runtime_error("bad file"); });
    BOOST_CHECK_EXCEPTION((void)import.run(), std::runtime_error,
                          [](const auto& e) { return std::string(e.what()) == "bad file"; });
}

BOOST_AUTO_TEST_CASE(ARowIsWrittenAsBentoWantsIt)
{
    SubscriberRow row;
    row.email = "zoe@example.com";
    row.firstName = "Zoë \"Z\"";
    row.lastName = "O'Neil\n";
    row.tags = {"lead", "mql"};
    row.removeTags = {"customer"};
    row.fields = {{"company", "Ac,me"}, {"visits", 0}, {"vip", false}, {"note", ""}, {"score", 2.5}, {"a\"b", "x"}};
    row.createdAt = WallTime(std::chrono::milliseconds(1'767'323'045'678));
    BOOST_CHECK_EQUAL(bodyFor(row),
                      R"({"subscribers":[{"email":"zoe@example.com","first_name":"Zoë \"Z\"","last_name":"O'Neil\n",)"
                      R"("tags":"lead,mql","remove_tags":"customer","created_at":"2026-01-02T03:04:05.678Z",)"
                      R"("company":"Ac,me","visits":0,"vip":false,"note":"","score":2.5,"a\"b":"x"}]})");
    BOOST_CHECK_EQUAL(bodyFor(withAddress("a@b.co")), R"({"subscribers":[{"email":"a@b.co"}]})");
}

BOOST_AUTO_TEST_CASE(AddressesThatCannotBeRealAreFound)
{
    for (const char* bad : {"", "  ", "a", "@", "a@", "@b.co", "a@b", "a@b@c.co", "a b@c.co", "a@b.co ", "a@.co", "a@b.",
                            "a@b..co", "a@b.co\n", "<a@b.co>", "a,b@c.co", "a;b@c.co", "a@b.co, c@d.co"})
        BOOST_CHECK_MESSAGE(!reasonFor(withAddress(bad)).empty(), bad);
    for (const char* good : {"a@b.co", "a.b+tag@sub.example.com", "zoë@exämple.de", "o'neil@example.com", "a_b-c@d-e.example"})
        BOOST_CHECK_MESSAGE(!bodyFor(withAddress(good)).empty(), good);
    BOOST_CHECK(contains(reasonFor(withAddress(std::string(250, 'a') + "@b.co")), "254"));
    BOOST_CHECK(contains(reasonFor(withAddress("a@\xff.co")), "email"));
}

BOOST_AUTO_TEST_CASE(RowsThatBentoWouldMisreadAreFound)
{
    SubscriberRow row = withAddress("a@b.co");
    row.tags = {"one,two"};
    BOOST_CHECK(contains(reasonFor(row), "comma"));
    row.tags = {""};
    BOOST_CHECK(contains(reasonFor(row), "empty"));
    row.tags = {};
    row.fields = {{"tags", "x"}};
    BOOST_CHECK(contains(reasonFor(row), "tags"));
    row.fields = {{"", "x"}};
    BOOST_CHECK(contains(reasonFor(row), "no name"));
    row.fields = {{"\xc0", "x"}};
    BOOST_CHECK(contains(reasonFor(row), "UTF-8"));
    row.fields = {{"score", std::numeric_limits<double>::infinity()}};
    BOOST_CHECK(contains(reasonFor(row), "score"));
}

BOOST_AUTO_TEST_CASE(AnEventIsWrittenAsBentoWantsIt)
{
    Event event{"$purchase", "zoe@example.com", {{"first_name", "Zoë"}}, {{"ip", "1.2.3.4"}}};
    event.uniqueKey = "order-123";
    event.value = bento::Money{9999, "USD"};
    event.nestedDetails = R"( {"cart":{"items":[{"product_sku":"SKU1","quantity":2}]}} )";
    event.date = WallTime(std::chrono::milliseconds(1'767'323'045'678));
    BOOST_CHECK_EQUAL(bodyFor(event),
                      R"({"events":[{"type":"$purchase","email":"zoe@example.com","fields":{"first_name":"Zoë"},)"
                      R"("details":{"ip":"1.2.3.4","unique":{"key":"order-123"},"value":{"amount":9999,"currency":"USD"},)"
                      R"("cart":{"items":[{"product_sku":"SKU1","quantity":2}]}},"date":"2026-01-02T03:04:05.678Z"}]})");
    BOOST_CHECK_EQUAL(bodyFor(Event{"$subscribe", "a@b.co"}), R"({"events":[{"type":"$subscribe","email":"a@b.co"}]})");
    Event nested{"x", "a@b.co"};
    nested.nestedDetails = R"({"a":1})";
    BOOST_CHECK_EQUAL(bodyFor(nested), R"({"events":[{"type":"x","email":"a@b.co","details":{"a":1}}]})");
}

BOOST_AUTO_TEST_CASE(EventsThatBentoWouldRejectAreFound)
{
    BOOST_CHECK(contains(reasonFor(Event{"", "a@b.co"}), "type"));
    BOOST_CHECK(contains(reasonFor(Event{"x", ""}), "email"));
    Event event{"x", "a@b.co"};
    event.value = bento::Money{100, ""};
    BOOST_CHECK(contains(reasonFor(event), "currency"));
    event.value = std::nullopt;
    for (const char* nested : {"oops", "[1]", "{\"a\":"}) {
        event.nestedDetails = nested;
        BOOST_CHECK(contains(reasonFor(event), "nestedDetails"));
    }
    event.nestedDetails = R"({"ip":"x"})";
    event.details = {{"ip", "y"}};
    BOOST_CHECK(contains(reasonFor(event), "nestedDetails"));
    event.nestedDetails = R"({"unique":{"key":"a"}})";
    event.uniqueKey = "b";
    BOOST_CHECK(contains(reasonFor(event), "uniqueKey"));
}

BOOST_AUTO_TEST_CASE(EventsGoOutInChunks)
{
    std::vector<std::string> addresses;
    auto transport = takesAll(addresses, "events");
    std::vector<Event> events;
    for (std::size_t i = 0; i < 25; ++i) events.push_back({"x", address(i)});
    const ImportReport report = bentoOver(transport, 10).sendEvents(events);
    BOOST_CHECK_EQUAL(report.imported, 25U);
    BOOST_CHECK_EQUAL(report.chunks, 3U);
    BOOST_CHECK_EQUAL(addresses.size(), 25U);
}

BOOST_AUTO_TEST_CASE(EventsAreRepeatedOnlyIfAllHaveAUniqueKey)
{
    Event plain{"x", "a@b.co"}, unique{"x", "a@b.co"};
    unique.uniqueKey = "k";
    const auto attemptsFor = [](const std::vector<Event>& events) {
        auto transport = script();
        transport->fail(connectionLost(Delivery::MaybeProcessed)).answer(200, R"({"results":2,"failed":0})");
        const ImportReport report = bentoOver(transport).trySendEvents(events);
        BOOST_CHECK_EQUAL(report.complete(), transport->sent().size() == 2);
        if (!report.complete()) BOOST_CHECK(report.error->delivery() == Delivery::MaybeProcessed);
        return transport->sent().size();
    };
    BOOST_CHECK_EQUAL(attemptsFor({unique, unique}), 2U);
    BOOST_CHECK_EQUAL(attemptsFor({unique, plain}), 1U);
    BOOST_CHECK_EQUAL(attemptsFor({plain}), 1U);
}

BOOST_AUTO_TEST_CASE(EventsWaitForTheNextWindow)
{
    const std::vector<Event> events(150, Event{"x", "a@b.co"});
    const auto reportWith = [&events](std::optional<Duration> timeout) {
        BentoOptions options;
        options.userAgent = "Test/1.0";
        options.transport = always(200, R"({"results":1,"failed":0})");
        options.publishableKey = fixed(publishableKey);
        options.secretKey = fixed(secretKey);
        options.siteUuid = fixed(siteUuid);
        options.batchSize = 1;
        if (timeout) options.batchTimeout = *timeout;
        return Bento(options).trySendEvents(events);
    };
    const ImportReport report = reportWith(std::nullopt);
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(report.imported, 150U);
    BOOST_CHECK(report.waited >= std::chrono::minutes(1));

    const ImportReport impatient = reportWith(std::chrono::seconds(5));
    BOOST_REQUIRE(impatient.error);
    BOOST_CHECK_EQUAL(impatient.error->name(), std::string("RateLimited"));
    BOOST_CHECK_EQUAL(impatient.resumeFrom, 100U);
}

BOOST_AUTO_TEST_CASE(EventsThatWereNotSentAreRepeatedAnyway)
{
    auto transport = script();
    transport->fail(connectionLost(Delivery::NotSent)).answer(200, R"({"results":1,"failed":0})");
    BOOST_CHECK_EQUAL(bentoOver(transport).sendEvents({{"x", "a@b.co"}}).imported, 1U);
}

BOOST_AUTO_TEST_CASE(ARequestWhoseEventsWereAllRejectedIsAReport)
{
    auto transport = script();
    transport->answer(422, R"({"results":0,"failed":2,"errors":[{"index":0,"error":"no"},{"index":1,"error":"never"}]})");
    const ImportReport report = bentoOver(transport).sendEvents({{"x", "a@b.co"}, {"y", "a@b.co"}});
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(report.imported, 0U);
    BOOST_REQUIRE_EQUAL(report.failures.size(), 2U);
    BOOST_CHECK_EQUAL(report.failures[1].reason, "never");
}

BOOST_AUTO_TEST_CASE(SendEventsThrowsWithHowFarItGot)
{
    auto transport = script();
    transport->answer(200, R"({"results":10,"failed":0})").answer(400, R"({"error":"nope"})");
    std::vector<Event> events(25, Event{"x", "a@b.co"});
    const auto error = thrownBy<BadRequest>([&] { bentoOver(transport, 10).sendEvents(events); },
                                            {"nope", "10 rows were taken", "Go on from row 10"});
    BOOST_CHECK_EQUAL(error->status(), 400);
}

BOOST_AUTO_TEST_SUITE_END()
