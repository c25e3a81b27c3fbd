#include "tollgate/Headers.h"

#include <boost/test/unit_test.hpp>

using namespace tollgate;

BOOST_AUTO_TEST_SUITE(HeadersTest)

BOOST_AUTO_TEST_CASE(names_compare_without_case_and_order_is_kept)
{
    Headers headers;
    headers.add("Content-Type", "text/html");
    headers.add("X-A", "1");
    headers.add("x-a", "2");
    BOOST_TEST(headers.get("content-TYPE").value() == "text/html");
    BOOST_TEST(headers.getAll("X-a").size() == 2U);
    BOOST_TEST(headers[2].first == "x-a");
    BOOST_TEST(!headers.get("X").has_value());
    BOOST_TEST(headers.get("X", "none") == "none");
}

BOOST_AUTO_TEST_CASE(set_replaces_all_and_remove_takes_all)
{
    Headers headers;
    headers.add("A", "1");
    headers.add("a", "2");
    headers.add("B", "3");
    headers.set("A", "4");
    BOOST_TEST(headers.getAll("A").size() == 1U);
    BOOST_TEST(headers.get("a").value() == "4");
    headers.remove("b");
    BOOST_TEST(headers.size() == 1U);
    headers.clear();
    BOOST_TEST(headers.empty());
}

BOOST_AUTO_TEST_CASE(views_into_itself_may_be_added)
{
    Headers headers;
    headers.add("First", "value");
    for (int i = 0; i < 200; ++i) headers.add(headers[0].first, headers[0].second);
    headers.set("First", *headers.get("First"));
    BOOST_TEST(headers.size() == 1U);
    BOOST_TEST(headers.get("First").value() == "value");
}

BOOST_AUTO_TEST_CASE(token_lists)
{
    BOOST_TEST(hasToken("foo, Close", "close"));
    BOOST_TEST(hasToken(" close ", "close"));
    BOOST_TEST(!hasToken("closed, not-close", "close"));
    BOOST_TEST(!hasToken("", "close"));
    BOOST_TEST(hasToken(",,close", "close"));
}

BOOST_AUTO_TEST_SUITE_END()
