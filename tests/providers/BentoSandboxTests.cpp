#include "OverSandbox.h"

#include <algorithm>

using namespace tollgate;
using namespace scripted;
using bento::SubscriberRow;
using tollgate::testing::Fault;
using tollgate::testing::Provider;
using tollgate::testing::Sandbox;
using tollgate::testing::SandboxOptions;

namespace {

SubscriberRow row(std::size_t number)
{
    SubscriberRow made;
    made.email = "user" + std::to_string(number) + "@example.com";
    made.firstName = "Zoë \"" + std::to_string(number) + "\"";
    made.tags = {"imported", number % 2 ? "odd" : "even"};
    made.fields = {{"visits", static_cast<std::int64_t>(number)}, {"company", "Acme, Inc."}, {"vip", number == 0}};
    return made;
}

bool hasField(const bento::Subscriber& subscriber, const std::string& name, const FieldValue& value)
{
    return std::find(subscriber.fields.begin(), subscriber.fields.end(), Fields::value_type(name, value)) !=
           subscriber.fields.end();
}

} // namespace

BOOST_AUTO_TEST_SUITE(BentoSandboxTests)

BOOST_AUTO_TEST_CASE(ImportedRowsCanBeFetchedAgain)
{
    const Sandbox sandbox;
    const Bento api(over::bentoOptions(sandbox));
    std::vector<SubscriberRow> rows;
    for (std::size_t i = 0; i < 2500; ++i) rows.push_back(row(i));
    rows[700].email = "not an address";
    const auto report = api.importSubscribers(rows).run().orThrow();
    BOOST_CHECK_EQUAL(report.imported, 2499U);
    BOOST_CHECK_EQUAL(report.failed, 1U);
    BOOST_CHECK_EQUAL(report.chunks, 3U);
    BOOST_CHECK_EQUAL(sandbox.subscribers(), 2499U);
    for (const std::size_t number : std::initializer_list<std::size_t>{0, 999, 1000, 2499}) {
        const auto subscriber = api.subscriber(rows[number].email);
        BOOST_REQUIRE(subscriber);
        BOOST_CHECK_EQUAL(subscriber->email, rows[number].email);
        BOOST_CHECK(hasField(*subscriber, "first_name", rows[number].firstName));
        BOOST_CHECK(hasField(*subscriber, "company", "Acme, Inc."));
        BOOST_CHECK(hasField(*subscriber, "visits", static_cast<std::int64_t>(number)));
        BOOST_CHECK(hasField(*subscriber, "vip", number == 0));
        auto tags = subscriber->tags;
        std::sort(tags.begin(), tags.end());
        BOOST_CHECK((tags == std::vector<std::string>{number % 2 ? "imported" : "even", number % 2 ? "odd" : "imported"}));
    }
    BOOST_CHECK(!api.subscriber("nobody@example.com"));
    BOOST_CHECK_EQUAL(sandbox.throttled(), 0U);
}

BOOST_AUTO_TEST_CASE(TagsAndFieldsLive)
{
    const Sandbox sandbox;
    const Bento api(over::bentoOptions(sandbox));
    const auto tag = api.createTag("Zoë's \"tag\"");
    BOOST_CHECK_EQUAL(tag.name, "Zoë's \"tag\"");
    api.deleteTag(tag.id, tag.name);
    BOOST_REQUIRE_EQUAL(api.tags().size(), 1U);
    BOOST_CHECK(api.tags()[0].discarded);
    api.deleteTag(tag.id, tag.name);
    BOOST_CHECK(!api.tags()[0].discarded);
    BOOST_CHECK_EQUAL(api.createField("loyalty points").key, "loyalty_points");
    const auto fields = api.fields();
    BOOST_CHECK(std::any_of(fields.begin(), fields.end(), [](const auto& field) { return field.name == "Loyalty Points"; }));
}

BOOST_AUTO_TEST_CASE(EventsArriveOnceWithAUniqueKey)
{
    const Sandbox sandbox;
    const Bento api(over::bentoOptions(sandbox));
    bento::Event event{"$purchase", "zoe@example.com"};
    event.uniqueKey = "order-1";
    event.value = bento::Money{9999, "USD"};
    BOOST_CHECK_EQUAL(api.sendEvents({event, event, {"$custom.login", "zoe@example.com"}}).imported, 3U);
    BOOST_CHECK_EQUAL(sandbox.events(), 2U);
}

BOOST_AUTO_TEST_CASE(TheFamilysLimitIsKept)
{
    auto clock = testing::VirtualClock::create();
    SandboxOptions sandboxOptions;
    sandboxOptions.clock = clock;
    const Sandbox sandbox(sandboxOptions);
    BentoOptions options = over::bentoOptions(sandbox);
    options.transport = over::transport(clock);
    options.timeout = std::chrono::minutes(5);
    const Bento api(options);
    const TimePoint start = clock->now();
    for (int i = 0; i < 250; ++i) BOOST_REQUIRE_NO_THROW(api.tags());
    BOOST_CHECK_EQUAL(sandbox.throttled(), 0U);
    BOOST_CHECK(clock->now() - start >= std::chrono::minutes(2));
    BOOST_CHECK(clock->now() - start < std::chrono::minutes(3));
    // The batch family has a limit of its own, untouched by the above.
    const TimePoint before = clock->now();
    BOOST_CHECK_EQUAL(api.sendEvents({{"x", "a@example.com"}}).imported, 1U);
    BOOST_CHECK(clock->now() == before);
}

BOOST_AUTO_TEST_CASE(AnImportSurvivesShortTroubles)
{
    Sandbox sandbox;
    sandbox.inject(Provider::Bento, Fault::of(Fault::Kind::Reset));
    sandbox.inject(Provider::Bento, Fault::answer(503));
    const Bento api(over::bentoOptions(sandbox));
    std::vector<SubscriberRow> rows;
    for (std::size_t i = 0; i < 30; ++i) rows.push_back(row(i));
    const auto report = api.importSubscribers(rows).chunkSize(10).run();
    BOOST_CHECK(report.complete());
    BOOST_CHECK_EQUAL(report.imported, 30U);
    BOOST_CHECK_EQUAL(sandbox.subscribers(), 30U);
}

BOOST_AUTO_TEST_CASE(WrongKeysAndWrongSitesAreRejected)
{
    const Sandbox sandbox;
    BentoOptions options = over::bentoOptions(sandbox);
    options.siteUuid = fixed("00000000-1111-2222-3333-444444444444");
    thrownBy<CredentialRejected>([&] { Bento(options).tags(); }, {"site_uuid"});
    options = over::bentoOptions(sandbox);
    options.secretKey = fixed("sk_wrong_but_long_enough");
    thrownBy<CredentialRejected>([&] { Bento(options).tags(); }, {"secret key"});
}

BOOST_AUTO_TEST_SUITE_END()
