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
                          {" 120 ", 120},
                          {"00120", 120},
                          {"0.0001", 1},
                          {"-0", -1},
                          {"+1", -1},
                          {"120s", -1},
                          {"120,", -1},
                          {"3, 7", 7},
                          {"7, 3", 7},
                          {"7, x", -1},
                          {"Fri, 31 Dec 1999 23:59:59 GMT, 12", 12},
                          {"Fri, 31 Dec 1999 23:59:59 GMT,12", 12},
                          {"Fri, 31 Dec 9999 23:59:59 GMT", 21600},
                          {"Fri, 31 Dec 0000 23:59:59 GMT", 0},
                          {"Fri, 31 Dec 1999 23:59:59 UTC", -1},
                          {"fri, 31 dec 1999 23:59:59 gmt", -1},
                          {"Fri, 31 Feb 1999 23:59:59 GMT", -1},
                          {"soon", -1},
                          {"Mon, 99 Foo 99999999999 99:99:99 GMT", -1}};

std::optional<Duration> retryAfter(const Headers& headers)
{
    unsigned ignored = 0;
    return limits::retryAfter(headers, ignored);
}

} // namespace

BOOST_AUTO_TEST_SUITE(RetryAfterTest)

BOOST_DATA_TEST_CASE(reads_all_forms_and_ignores_garbage, boost::unit_test::data::make(vectors), vector)
{
    Headers headers;
    headers.add("Date", "Fri, 31 Dec 1999 23:59:00 GMT");
    headers.add("Retry-After", vector.value);
    const auto wait = retryAfter(headers);
    BOOST_REQUIRE(wait.has_value() == (vector.seconds >= 0));
    if (wait) BOOST_TEST((*wait == std::chrono::seconds(vector.seconds)));
}

BOOST_AUTO_TEST_CASE(takes_the_longest_of_several)
{
    Headers headers;
    headers.add("Retry-After", "3");
    headers.add("Retry-After", "7");
    headers.add("Retry-After", "x");
    BOOST_TEST((retryAfter(headers).value() == 7s));
}

BOOST_AUTO_TEST_CASE(a_great_number_of_digits_is_a_long_wait_and_a_small_one_none)
{
    const auto wait = [](const std::string& value) {
        Headers headers;
        headers.add("Retry-After", value);
        return retryAfter(headers);
    };
    BOOST_TEST((wait(std::string(5000, '9')) == 6h));
    BOOST_TEST((wait(std::string(5000, '0') + "1") == 1s));
    BOOST_TEST((wait("0." + std::string(5000, '0') + "1") == 0s));
}

BOOST_AUTO_TEST_CASE(fields_in_milliseconds_come_first)
{
    Headers headers;
    headers.add("Retry-After", "9");
    headers.add("x-amz-retry-after", "4000");
    BOOST_TEST((retryAfter(headers).value() == 4s));
    headers.add("X-MS-Retry-After-MS", "3000");
    BOOST_TEST((retryAfter(headers).value() == 3s));
    headers.add("retry-after-ms", "1234.5");
    BOOST_TEST((retryAfter(headers).value() == 1235ms));
    headers.set("retry-after-ms", "99999999");
    BOOST_TEST((retryAfter(headers).value() == 6h));
}

BOOST_AUTO_TEST_CASE(the_next_one_counts_where_the_first_is_unsound)
{
    Headers headers;
    headers.add("retry-after-ms", "-5");
    headers.add("x-ms-retry-after-ms", "soon");
    headers.add("Retry-After", "9");
    headers.add("Retry-After", "?");
    unsigned ignored = 0;
    BOOST_TEST((limits::retryAfter(headers, ignored).value() == 9s));
    BOOST_TEST(ignored == 3U);
}

BOOST_AUTO_TEST_CASE(a_date_needs_the_server_s_own_date)
{
    Headers headers;
    headers.add("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT");
    BOOST_TEST(!retryAfter(headers).has_value());
    BOOST_TEST(!retryAfter(Headers()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
