#include "limits/RetryAfter.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>

using namespace tollgate;
using namespace std::chrono_literals;

namespace {

struct Vector
{
    const char* value;
    int seconds; ///< -1: ignored
};
std::ostream& operator<<(std::ostream& out, const Vector& vector) { return out << '\'' << vector.value << '\''; }

const Vector vectors[] = {{"120", 120},
                          {"0", 0},
                          {"1.5", 2},
                          {"-1", -1},
                          {"1e3", -1},
                          {"", -1},
                          {".5", -1},
                          {"1.2.3", -1},
                          {"99999999999999999999", 21600},
                          {"21601", 21600},
                          {"Fri, 31 Dec 1999 23:59:59 GMT", 59},
                          {"Friday, 31-Dec-99 23:59:59 GMT", 59},
                          {"Fri Dec 31 23:59:59 1999", 59},
                          {"Fri, 31 Dec 1999 22:00:00 GMT", 0},
                          {"soon", -1},
                          {"Mon, 99 Foo 99999999999 99:99:99 GMT", -1}};

} // namespace

BOOST_AUTO_TEST_SUITE(RetryAfterTest)

BOOST_DATA_TEST_CASE(reads_all_forms_and_ignores_garbage, boost::unit_test::data::make(vectors), vector)
{
    Headers headers;
    headers.add("Date", "Fri, 31 Dec 1999 23:59:00 GMT");
    headers.add("Retry-After", vector.value);
    const auto wait = limits::retryAfter(headers);
    BOOST_REQUIRE(wait.has_value() == (vector.seconds >= 0));
    if (wait) BOOST_TEST((*wait == std::chrono::seconds(vector.seconds)));
}

BOOST_AUTO_TEST_CASE(takes_the_longest_of_several)
{
    Headers headers;
    headers.add("Retry-After", "3");
    headers.add("Retry-After", "7");
    headers.add("Retry-After", "x");
    BOOST_TEST((limits::retryAfter(headers).value() == 7s));
}

BOOST_AUTO_TEST_CASE(a_date_needs_the_server_s_own_date)
{
    Headers headers;
    headers.add("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT");
    BOOST_TEST(!limits::retryAfter(headers).has_value());
    BOOST_TEST(!limits::retryAfter(Headers()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
