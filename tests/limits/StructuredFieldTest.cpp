#include "limits/StructuredField.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

using tollgate::limits::StructuredField;
using Type = StructuredField::Value::Type;

namespace {

auto list(std::string_view text) { return StructuredField::list(text, 8); }

StructuredField::Value only(std::string_view text)
{
    const auto items = list(text);
    BOOST_REQUIRE_MESSAGE(items && items->size() == 1, text);
    return items->front().value;
}

const char* const refused[] = {",",
                               "a,",
                               "a, ",
                               "a b",
                               "a,,b",
                               ",a",
                               "(a b)",
                               "()",
                               "a;",
                               "a; ",
                               "a;B=1",
                               "a;1=1",
                               "a;=1",
                               "a;b=",
                               "a ;b",
                               "a;b =1",
                               "a;b= 1",
                               "a;\tb",
                               "-",
                               "--1",
                               "-a",
                               "1.",
                               ".1",
                               "1.2345",
                               "1.2.3",
                               "+1",
                               "1e3",
                               "=",
                               "1000000000000000",
                               "1.-1",
                               "1000000000000.0",
                               "\"",
                               "\"a",
                               "\"\\a\"",
                               "\"\\",
                               "\"\x7f\"",
                               "\"\t\"",
                               "\"\xc3\xa4\"",
                               "'a'",
                               ":YQ==",
                               ":a_b:",
                               "?",
                               "?2",
                               "?true",
                               "@1.5",
                               "@",
                               "%",
                               "%\"",
                               "%\"%C3%A4\"",
                               "%\"%c3\"",
                               "%\"%c3%a4",
                               "%\"%\"",
                               "%\"%6\"",
                               "%\"\xc3\xa4\"",
                               "{",
                               "a=1",
                               "a;b=(1)",
                               "a\n",
                               "1, 2, 3, 4, 5, 6, 7, 8, 9"};

} // namespace

BOOST_AUTO_TEST_SUITE(StructuredFieldTest)

BOOST_AUTO_TEST_CASE(reads_every_type_of_value)
{
    BOOST_TEST((only("42").type == Type::Integer));
    BOOST_TEST(only("42").number == 42);
    BOOST_TEST(only("-0042").number == -42);
    BOOST_TEST(only("999999999999999").number == 999999999999999.0);
    BOOST_TEST(only("-999999999999999").number == -999999999999999.0);
    BOOST_TEST((only("4.5").type == Type::Decimal));
    BOOST_TEST(only("4.5").number == 4.5);
    BOOST_TEST(only("-999999999999.125").number == -999999999999.125);
    BOOST_TEST((only("\"\"").type == Type::String));
    BOOST_TEST(only(R"("a \"b\" \\ c")").text == R"(a "b" \ c)");
    BOOST_TEST((only("*foo123/456:a!").type == Type::Token));
    BOOST_TEST(only("*foo123/456:a!").text == "*foo123/456:a!");
    BOOST_TEST((only(":cHJldGVuZA==:").type == Type::Bytes));
    BOOST_TEST(only(":cHJldGVuZA==:").text == "cHJldGVuZA==");
    BOOST_TEST(only("::").text.empty());
    BOOST_TEST((only("?1").type == Type::Boolean));
    BOOST_TEST(only("?1").number == 1);
    BOOST_TEST(only("?0").number == 0);
    BOOST_TEST((only("@1659578233").type == Type::Date));
    BOOST_TEST(only("@-1659578233").number == -1659578233.0);
    BOOST_TEST((only("%\"f%c3%bc\"").type == Type::DisplayString));
    BOOST_TEST(only("%\"f%c3%bc\"").text == "f\xc3\xbc");
}

BOOST_AUTO_TEST_CASE(reads_lists_and_parameters)
{
    const auto items = list("  \"permin\";q=100; w=60;flag,\t1.5 , tok;a=1;a=:YQ==: ");
    BOOST_REQUIRE(items.has_value());
    BOOST_REQUIRE(items->size() == 3);
    const auto& first = items->front();
    BOOST_TEST(first.parameters.size() == 3);
    BOOST_REQUIRE(first.find("q"));
    BOOST_TEST(first.find("q")->number == 100);
    BOOST_TEST(first.find("w")->number == 60);
    BOOST_TEST((first.find("flag")->type == Type::Boolean));
    BOOST_TEST(first.find("flag")->number == 1);
    BOOST_TEST(!first.find("Q"));
    BOOST_TEST((*items)[1].value.number == 1.5);
    BOOST_TEST((*items)[2].find("a")->text == "YQ=="); // the last of a repeated one
}

BOOST_AUTO_TEST_CASE(an_empty_field_is_an_empty_list)
{
    BOOST_REQUIRE(list("").has_value());
    BOOST_TEST(list("")->empty());
    BOOST_TEST(list("   ")->empty());
}

BOOST_AUTO_TEST_CASE(holds_as_many_items_as_allowed)
{
    BOOST_TEST(list("1, 2, 3, 4, 5, 6, 7, 8")->size() == 8U);
    BOOST_TEST(!StructuredField::list("1", 0));
}

BOOST_DATA_TEST_CASE(refuses_what_is_not_one, boost::unit_test::data::make(refused), text)
{
    BOOST_TEST(!list(text).has_value());
    BOOST_TEST(!list(std::string("1, ") + text).has_value());
}

BOOST_AUTO_TEST_CASE(tabs_stand_between_items_only)
{
    BOOST_TEST(list("1\t,\ta").has_value());
    BOOST_TEST(!list("\ta").has_value());
}

BOOST_AUTO_TEST_CASE(a_nul_is_no_end)
{
    using namespace std::string_view_literals;
    BOOST_TEST(!list("a\0"sv).has_value());
    BOOST_TEST(!list("\"a\0\""sv).has_value());
}

BOOST_AUTO_TEST_CASE(a_prefix_of_a_good_list_is_read_or_refused_but_never_overrun)
{
    const std::string good = R"("per min";q=100;w=-6.5;f;pk=:cHM=:;d=%"a%c3%a4";t=@12, *tok;x=?0, 12)";
    BOOST_REQUIRE(list(good).has_value());
    unsigned read = 0;
    for (std::size_t size = 0; size < good.size(); ++size) {
        // A copy of its own, so that a sanitizer sees a step too far.
        const std::vector<char> part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        read += list({part.data(), part.size()}).has_value();
    }
    BOOST_TEST(read > 5U);
    BOOST_TEST(read < good.size() / 2);
}

BOOST_AUTO_TEST_CASE(random_changes_never_break_it)
{
    const std::string good = R"("per min";q=100;w=-6.5;f;pk=:cHM=:;d=%"a%c3%a4";t=@12, *tok;x=?0, 12)";
    std::mt19937 random(9651);
    unsigned read = 0;
    for (int round = 0; round < 20000; ++round) {
        std::vector<char> text(good.begin(), good.end());
        for (auto changes = random() % 4; changes > 0; --changes) text[random() % text.size()] = static_cast<char>(random());
        const auto items = list({text.data(), text.size()});
        if (!items) continue;
        ++read;
        BOOST_REQUIRE(items->size() <= 8);
    }
    BOOST_TEST(read > 4000U); // a quarter is unchanged
    BOOST_TEST(read < 16000U);
}

BOOST_AUTO_TEST_SUITE_END()
