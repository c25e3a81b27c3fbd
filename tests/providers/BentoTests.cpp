#include "Scripted.h"

#include <algorithm>

using namespace tollgate;
using namespace scripted;

namespace {

std::shared_ptr<ScriptedTransport> answering(int status, const std::string& body)
{
    auto transport = script();
    transport->answer(status, body);
    return transport;
}

} // namespace

BOOST_AUTO_TEST_SUITE(BentoTests)

BOOST_AUTO_TEST_CASE(TagsAreRead)
{
    const auto tags = bentoOver(answering(200, R"({"data":[
        {"id":"12","type":"tags","attributes":{"name":"lead","created_at":"2024-08-06T05:44:04.444Z","discarded_at":null,"site_id":1}},
        {"id":13,"type":"tags","attributes":{"name":null,"discarded_at":"2024-09-01T00:00:00.000Z"}}]})"))
                          .tags();
    BOOST_REQUIRE_EQUAL(tags.size(), 2U);
    BOOST_CHECK_EQUAL(tags[0].id, "12");
    BOOST_CHECK_EQUAL(tags[0].name, "lead");
    BOOST_CHECK_EQUAL(tags[0].createdAt, "2024-08-06T05:44:04.444Z");
    BOOST_CHECK(!tags[0].discarded);
    BOOST_CHECK_EQUAL(tags[1].id, "13");
    BOOST_CHECK_EQUAL(tags[1].name, "");
    BOOST_CHECK(tags[1].discarded);
}

BOOST_AUTO_TEST_CASE(ACreatedTagMayComeAloneOrInAList)
{
    const std::string tag = R"({"id":"9","type":"tags","attributes":{"name":"a \"b\""}})";
    for (const std::string& body : {R"({"data":)" + tag + "}", R"({"data":[)" + tag + "]}"}) {
        auto transport = answering(201, body);
        const auto created = bentoOver(transport).createTag("a \"b\"");
        BOOST_CHECK_EQUAL(created.id, "9");
        BOOST_CHECK_EQUAL(created.name, "a \"b\"");
        BOOST_CHECK_EQUAL(transport->sent()[0].method, "POST");
        BOOST_CHECK_EQUAL(transport->sent()[0].body, R"({"tag":{"name":"a \"b\""}})");
        BOOST_CHECK_EQUAL(transport->sent()[0].headers.get("Content-Type", ""), "application/json");
    }
}

BOOST_AUTO_TEST_CASE(DeletingATagTogglesSoItIsNeverRepeated)
{
    auto transport = script();
    transport->fail(connectionLost(Delivery::MaybeProcessed)).answer(200, R"({"message":"ok"})");
    thrownBy<ConnectionLost>([&] { bentoOver(transport).deleteTag("a/b", "lead"); }, {"lost"});
    BOOST_REQUIRE_EQUAL(transport->sent().size(), 1U);
    BOOST_CHECK(contains(transport->sent()[0].url, "/fetch/tags/a%2Fb?"));
    BOOST_CHECK_EQUAL(transport->sent()[0].body, R"({"tag":{"name":"lead"}})");
}

BOOST_AUTO_TEST_CASE(ReadingIsRepeatedAndCreatingIsNot)
{
    auto reading = script();
    reading->fail(connectionLost(Delivery::MaybeProcessed)).answer(200, R"({"data":[]})");
    BOOST_CHECK(bentoOver(reading).tags().empty());
    BOOST_CHECK_EQUAL(reading->sent().size(), 2U);

    auto creating = script();
    creating->fail(connectionLost(Delivery::MaybeProcessed)).answer(201, R"({"data":{"id":"1"}})");
    thrownBy<ConnectionLost>([&] { bentoOver(creating).createField("x"); });
    BOOST_CHECK_EQUAL(creating->sent().size(), 1U);
}

BOOST_AUTO_TEST_CASE(FieldsAreReadAndCreated)
{
    const std::string field =
        R"({"id":"4","type":"visitors-fields","attributes":{"name":"Loyalty Points","key":"loyalty_points"}})";
    const auto fields = bentoOver(answering(200, R"({"data":[)" + field + "]}")).fields();
    BOOST_REQUIRE_EQUAL(fields.size(), 1U);
    BOOST_CHECK_EQUAL(fields[0].key, "loyalty_points");
    BOOST_CHECK_EQUAL(fields[0].name, "Loyalty Points");

    auto transport = answering(201, R"({"data":)" + field + "}");
    BOOST_CHECK_EQUAL(bentoOver(transport).createField("loyalty points").id, "4");
    BOOST_CHECK_EQUAL(transport->sent()[0].body, R"({"field":{"key":"loyalty points"}})");
}

BOOST_AUTO_TEST_CASE(ASubscriberIsRead)
{
    auto transport = answering(200, R"({"data":{"id":"236","type":"visitors","attributes":{"uuid":"u-1","email":"zoe@example.com",
        "fields":{"first_name":"Zoë","visits":3,"vip":false,"score":1.5,"gone":null,"nested":{"a":1}},
        "cached_tag_ids":["1","2"],"tags":["lead","mql"],"unsubscribed_at":null}}})");
    const auto subscriber = bentoOver(transport).subscriber("zoe+1@example.com");
    BOOST_CHECK(contains(transport->sent()[0].url, "email=zoe%2B1%40example.com"));
    BOOST_REQUIRE(subscriber);
    BOOST_CHECK_EQUAL(subscriber->id, "236");
    BOOST_CHECK_EQUAL(subscriber->email, "zoe@example.com");
    BOOST_CHECK_EQUAL(subscriber->unsubscribedAt, "");
    BOOST_CHECK((subscriber->tags == std::vector<std::string>{"lead", "mql"}));
    BOOST_CHECK((subscriber->tagIds == std::vector<std::string>{"1", "2"}));
    const Fields expected{{"first_name", "Zoë"}, {"nested", "{\"a\":1}"}, {"score", 1.5}, {"vip", false}, {"visits", 3}};
    Fields fields = subscriber->fields;
    std::sort(fields.begin(), fields.end());
    BOOST_CHECK(fields == expected);
}

BOOST_AUTO_TEST_CASE(AnUnknownSubscriberIsNothing)
{
    for (const char* body : {"{}", "[]", R"({"data":null})", R"({"data":{}})", R"({"data":[]})"})
        BOOST_CHECK_MESSAGE(!bentoOver(answering(200, body)).subscriber("a@example.com"), body);
}

BOOST_AUTO_TEST_CASE(EmptyArgumentsAreNotSent)
{
    auto transport = script();
    const Bento api = bentoOver(transport);
    thrownBy<InvalidRequest>([&] { api.createTag(""); });
    thrownBy<InvalidRequest>([&] { api.deleteTag("", "lead"); });
    thrownBy<InvalidRequest>([&] { api.deleteTag("1", ""); });
    thrownBy<InvalidRequest>([&] { api.createField(""); });
    thrownBy<InvalidRequest>([&] { api.subscriber(""); });
    thrownBy<InvalidRequest>([&] { api.createTag("\xff"); }, {"UTF-8"});
    BOOST_CHECK(transport->sent().empty());
}

BOOST_AUTO_TEST_CASE(JsonOfAnotherShapeIsUnexpected)
{
    thrownBy<UnexpectedContent>([] { bentoOver(answering(200, R"({"hello":"world"})")).tags(); }, {"no list", "hello"});
    thrownBy<UnexpectedContent>([] { bentoOver(answering(201, R"({"data":[]})")).createTag("x"); }, {"no object"});
    thrownBy<UnexpectedContent>([] { bentoOver(answering(200, R"({"data":[{"id")")).tags(); }, {"not JSON"});
}

BOOST_AUTO_TEST_SUITE_END()
