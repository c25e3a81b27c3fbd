#include "limits/HttpDate.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

using tollgate::limits::httpDate;

namespace {

struct Example
{
    const char* text;
    long long seconds; ///< since 1970
};
std::ostream& operator<<(std::ostream& out, const Example& example) { return out << example.text; }

const Example good[] = {{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
                        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
                        {"Sun Nov  6 08:49:37 1994", 784111777},
                        {"Sun Nov 16 08:49:37 1994", 784975777},
                        {"Wednesday, 09-Sep-26 00:00:00 GMT", 1788912000},
                        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
                        {"Tue, 29 Feb 2028 23:59:59 GMT", 1835481599},
                        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, // a leap second
                        {"Wed, 31 Dec 1969 23:59:59 GMT", 0},
                        {"Sat, 29 Feb 0004 00:00:00 GMT", 0},
                        {"Fri, 31 Dec 9999 23:59:59 GMT", 7258118400}};

const char* const bad[] = {"",
                           "Sun",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "sun, 06 Nov 1994 08:49:37 GMT",
                           "Son, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 nov 1994 08:49:37 GMT",
                           "Sun, 06 Foo 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Nov 1994 08:49:37 GMT",
                           "Mon, 29 Feb 2027 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:00 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 06 Nov 19a4 08:49:37 GMT",
                           "Sun, -6 Nov 1994 08:49:37 GMT",
                           "Sunday, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov 06 08:49:37 1994 GMT",
                           "1994-11-06T08:49:37Z"};

} // namespace

BOOST_AUTO_TEST_SUITE(HttpDateTest)

BOOST_DATA_TEST_CASE(reads_the_three_forms, boost::unit_test::data::make(good), example)
{
    const auto time = httpDate(example.text);
    BOOST_REQUIRE(time.has_value());
    BOOST_TEST((time->time_since_epoch() == std::chrono::seconds(example.seconds)));
}

BOOST_DATA_TEST_CASE(refuses_all_else, boost::unit_test::data::make(bad), text) { BOOST_TEST(!httpDate(text).has_value()); }

BOOST_AUTO_TEST_SUITE_END()
