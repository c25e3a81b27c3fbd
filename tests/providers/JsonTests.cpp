#include "Scripted.h"

#include "Excerpt.h"
#include "providers/JsonText.h"

#include <tollgate/Json.h>

#include <limits>

using namespace tollgate;
using namespace scripted;

namespace {

std::string roundTrip(const std::string& text) { return toJson(parseJson(text)); }

std::string written(std::string_view text)
{
    std::string json;
    BOOST_REQUIRE(providers::appendJson(json, text));
    return json;
}

bool isRefused(std::string_view text)
{
    std::string json;
    return !providers::appendJson(json, text);
}

Response answer(const std::string& body)
{
    ResponseHead head;
    head.status = 200;
    head.headers.add("X-Request-Id", "r-1");
    return {head, body};
}

} // namespace

BOOST_AUTO_TEST_SUITE(JsonTests)

BOOST_AUTO_TEST_CASE(ValuesOfEveryKindAreRead)
{
    BOOST_CHECK_EQUAL(roundTrip(R"({"a":[1,-2,true,null,"Zoë 😀 \u00e9"]})"), R"({"a":[1,-2,true,null,"Zoë 😀 é"]})");
    BOOST_CHECK_EQUAL(roundTrip("\xef\xbb\xbf {}"), "{}");
    BOOST_CHECK_EQUAL(roundTrip(" 12 "), "12");
    BOOST_CHECK_EQUAL(roundTrip("\"text\""), "\"text\"");
    BOOST_CHECK_EQUAL(roundTrip("null"), "null");
    BOOST_CHECK_EQUAL(parseJson("18446744073709551615").convert<std::uint64_t>(), std::numeric_limits<std::uint64_t>::max());
}

BOOST_AUTO_TEST_CASE(IntegersBeyond64BitsAreRefused)
{
    for (const char* integer : {"18446744073709551616", "-9223372036854775809", "100000000000000000000000000000000"})
        for (const std::string& text : {std::string(integer), "{\"value\": " + std::string(integer) + "}",
                                        "[\"a \\\" b\\\\\"," + std::string(integer) + ",1]"})
        {
            thrownBy<UnexpectedContent>([&] { parseJson(text); }, {"does not fit 64 bits", integer, "as text"});
            const auto error = thrownBy<UnexpectedContent>([&] { (void)answer(text).json(); }, {"does not fit 64 bits"});
            BOOST_CHECK_EQUAL(error->requestId(), "r-1");
        }
    for (const char* fine : {R"(["18446744073709551616"])", R"(["\" 18446744073709551616"])", R"({"99999999999999999999":1})",
                             "[18446744073709551615,-9223372036854775808]"})
        BOOST_CHECK_EQUAL(roundTrip(fine), fine);
    thrownBy<UnexpectedContent>([] { parseJson("<html>18446744073709551616"); }, {"HTML page"});
    thrownBy<UnexpectedContent>([] { parseJson("oops 18446744073709551616"); }, {"not JSON"});
}

BOOST_AUTO_TEST_CASE(DecimalsAreDoubles)
{
    const auto number = [](const char* text) { return parseJson(text).convert<double>(); };
    BOOST_CHECK_EQUAL(number("200.10"), 200.1);
    BOOST_CHECK_EQUAL(number("18446744073709551616.0"), 18446744073709551616.0);
    BOOST_CHECK_EQUAL(number("1e20"), 1e20);
}

BOOST_AUTO_TEST_CASE(WhatIsNotJsonIsShown)
{
    thrownBy<UnexpectedContent>([] { parseJson("{\"a\":1} and more"); }, {"not JSON", "{\"a\":1} and more"});
    thrownBy<UnexpectedContent>([] { parseJson("1, 2"); }, {"not JSON"});
    thrownBy<UnexpectedContent>([] { parseJson("{\"a\":"); }, {"not JSON", "{\"a\":"});
    thrownBy<UnexpectedContent>([] { parseJson("[1e999]"); }, {"not JSON"});
    thrownBy<UnexpectedContent>([] { parseJson("\x1b[2Jhi\r\n\xff"); }, {"\\x1b[2Jhi\\r\\n\\xff"});
    thrownBy<UnexpectedContent>([] { parseJson(" \n"); }, {"empty"});
}

BOOST_AUTO_TEST_CASE(AnHtmlPageIsCalledThat)
{
    const auto error =
        thrownBy<UnexpectedContent>([] { parseJson("\n <!DOCTYPE html><html>"); }, {"HTML page", "<!DOCTYPE html>"});
    BOOST_CHECK(contains(error->hint(), "User-Agent"));
}

BOOST_AUTO_TEST_CASE(OnlyTheFirst200CharactersAreShown)
{
    const auto error = thrownBy<UnexpectedContent>([] { parseJson(std::string(199, 'x') + "\xc3\xa9" + std::string(500, 'y')); });
    BOOST_CHECK(contains(error->what(), std::string(199, 'x') + "\xc3\xa9..."));
    BOOST_CHECK(!contains(error->what(), "y..."));
}

BOOST_AUTO_TEST_CASE(NestingEndsAt64)
{
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    BOOST_CHECK_NO_THROW(parseJson(nested(64)));
    thrownBy<UnexpectedContent>([&] { parseJson(nested(65)); });
    thrownBy<UnexpectedContent>([&] { parseJson(std::string(1'000'000, '[')); });
}

BOOST_AUTO_TEST_CASE(AResponseGivesItsBodyAndItsErrors)
{
    BOOST_CHECK_EQUAL(toJson(answer(R"({"ok":true})").json()), R"({"ok":true})");
    const auto error = thrownBy<UnexpectedContent>([] { (void)answer("oops").json(); }, {"oops"});
    BOOST_CHECK_EQUAL(error->requestId(), "r-1");
    BOOST_CHECK(error->delivery() == Delivery::Answered);
    BOOST_REQUIRE(error->response());
    BOOST_CHECK_EQUAL(error->response()->body(), "oops");
}

BOOST_AUTO_TEST_CASE(TextIsWrittenWithItsEscapes)
{
    BOOST_CHECK_EQUAL(written(""), "\"\"");
    BOOST_CHECK_EQUAL(written("a\"b\\c\n\r\t\x01z"), R"("a\"b\\c\n\r\t\u0001z")");
    BOOST_CHECK_EQUAL(written("Zoë 😀"), "\"Zoë 😀\"");
    BOOST_CHECK_EQUAL(written(std::string_view("\0", 1)), "\"\\u0000\"");
    for (unsigned c = 0; c < 0x80; ++c) {
        const std::string text(1, static_cast<char>(c));
        BOOST_CHECK_EQUAL(parseJson("[" + written(text) + "]").extract<Poco::JSON::Array::Ptr>()->getElement<std::string>(0),
                          text);
    }
}

BOOST_AUTO_TEST_CASE(BytesThatAreNoUtf8AreRefused)
{
    for (const char* text : {"\xff", "\x80", "a\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                             "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82 ", "ok\xc3("})
        BOOST_CHECK(isRefused(text));
    for (const char* text : {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        BOOST_CHECK(!isRefused(text));
}

BOOST_AUTO_TEST_CASE(FieldValuesKeepTheirTypes)
{
    const auto value = [](const FieldValue& v) {
        std::string json;
        BOOST_REQUIRE(providers::appendJson(json, v));
        return json;
    };
    BOOST_CHECK_EQUAL(value("0"), "\"0\"");
    BOOST_CHECK_EQUAL(value(0), "0");
    BOOST_CHECK_EQUAL(value(false), "false");
    BOOST_CHECK_EQUAL(value(""), "\"\"");
    BOOST_CHECK_EQUAL(value(0.1), "0.1");
    BOOST_CHECK_EQUAL(value(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    std::string json;
    BOOST_CHECK(!providers::appendJson(json, FieldValue(std::numeric_limits<double>::quiet_NaN())));
    BOOST_CHECK(!providers::appendJson(json, FieldValue(std::numeric_limits<double>::infinity())));
}

BOOST_AUTO_TEST_CASE(ExcerptsAreOneLine)
{
    BOOST_CHECK_EQUAL(excerpt("a\nb\tc\x7f"
                              "d\xc2\x9bz"),
                      "a\\nb\\tc\\x7fd\\xc2\\x9bz");
    BOOST_CHECK_EQUAL(excerpt("ëëë", 2), "ëë...");
    BOOST_CHECK_EQUAL(excerpt("ab", 2), "ab");
    BOOST_CHECK_EQUAL(excerpt(""), "");
}

BOOST_AUTO_TEST_SUITE_END()
