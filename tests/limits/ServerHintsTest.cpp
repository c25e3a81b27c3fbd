#include "limits/ServerHints.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <ostream>
#include <random>
#include <string>
#include <utility>

using namespace tollgate;
using namespace std::chrono_literals;

namespace {

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

constexpr long long second = 1800000000; // of the server: Fri, 15 Jan 2027 08:00:00 GMT
const char* const date = "Fri, 15 Jan 2027 08:00:00 GMT";

ServerHint hint(Fields fields, WallTime now = WallTime(std::chrono::seconds(second)))
{
    Headers headers;
    for (const auto& [name, value] : fields) headers.add(name, value);
    return limits::serverHint(headers, now);
}

/// A quota in one line: "name limit/window remaining in reset", milliseconds, "-" for what is not known.
std::string text(const ServerHint::Quota& quota)
{
    const auto number = [](const auto& value) { return value ? std::to_string(*value) : "-"; };
    const auto time = [](const std::optional<Duration>& value) {
        return value ? std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(*value).count()) : "-";
    };
    return quota.name + ' ' + number(quota.limit) + '/' + time(quota.window) + ' ' + number(quota.remaining) + " in " +
           time(quota.reset);
}

std::string text(const ServerHint& hint)
{
    std::string all;
    for (const auto& quota : hint.quotas) all += (all.empty() ? "" : " | ") + text(quota);
    if (hint.ignored > 0) all += " ignored " + std::to_string(hint.ignored);
    return all;
}

std::string read(Fields fields) { return text(hint(fields)); }

struct Example
{
    const char* field;
    const char* value;
    const char* expected;
};
std::ostream& operator<<(std::ostream& out, const Example& example) { return out << example.field << ": " << example.value; }

const Example lists[] = {
    // draft 10
    {"RateLimit", R"("permin";r=37;t=12)", "permin -/- 37 in 12000"},
    {"RateLimit", R"("permin";r=37)", "permin -/- 37 in -"},
    {"ratelimit", R"("a";r=1;t=2, "b";r=3;t=4)", "a -/- 1 in 2000 | b -/- 3 in 4000"},
    {"RateLimit", R"("a";r=1;t=2;pk=:cHM=:;x="?";y)", "a -/- 1 in 2000"},
    {"RateLimit", "default;r=0;t=0", "default -/- 0 in 0"},
    {"RateLimit", R"("a";r=1;t=1.5)", "a -/- 1 in 2000"},
    {"RateLimit", R"("one, two; three";r=1)", "one, two; three -/- 1 in -"},
    {"RateLimit", R"("a=b";r=1)", "a=b -/- 1 in -"},
    {"RateLimit", R"("a";r=1;t=2, "a";r=3;t=4)", "a -/- 1 in 2000 | a -/- 3 in 4000"},
    {"RateLimit-Policy", R"("permin";q=100;w=60, "perhr";q=1000;w=3600)", "permin 100/60000 - in - | perhr 1000/3600000 - in -"},
    {"RateLimit-Policy", R"("a";q=10;qu="requests", "b";q=10;qu="content-bytes", "c";q=3;qu="concurrent-requests")",
     "a 10/- - in -"},
    {"RateLimit-Policy", R"("a";q=5;pk=:cHsdsRa894==:)", "a 5/- - in -"},
    // draft 8, as express-rate-limit writes it
    {"RateLimit", R"("50-in-3sec"; r=0; t=3)", "50-in-3sec -/- 0 in 3000"},
    {"RateLimit-Policy", R"("50-in-3sec"; q=50; w=3; pk=:ZjFhYg==:)", "50-in-3sec 50/3000 - in -"},
    // draft 7
    {"RateLimit", "limit=100, remaining=50, reset=30", " 100/- 50 in 30000"},
    {"RateLimit", "limit=100,remaining=50,reset=30", " 100/- 50 in 30000"},
    {"RateLimit", "limit=100, 100;w=60, remaining=50, reset=30", " 100/60000 50 in 30000"},
    {"RateLimit", "limit=10, 10;w=1, 1000;w=3600, remaining=5, reset=1", " 10/1000 5 in 1000 |  1000/3600000 - in -"},
    {"RateLimit", "limit=100", " 100/- - in -"},
    {"RateLimit-Policy", "100;w=60, 1000;w=3600;comment=\"burst\"", " 100/60000 - in - |  1000/3600000 - in -"},
    // nothing, a part of it, or too much
    {"RateLimit", "", ""},
    {"RateLimit", "garbage", " ignored 1"},
    {"RateLimit", R"("a";r=1,)", " ignored 1"},
    {"RateLimit", R"("a";t=5)", " ignored 1"},
    {"RateLimit", R"("a";t=5, "b";r=5)", "b -/- 5 in - ignored 1"},
    {"RateLimit", R"("a";r=-1)", " ignored 1"},
    {"RateLimit", R"("a";r="1")", " ignored 1"},
    {"RateLimit", R"(7;r=1)", " ignored 1"},
    {"RateLimit", R"("a";r=1;t=-1)", "a -/- 1 in - ignored 1"},
    {"RateLimit", R"("a";r=1;t=2678400)", "a -/- 1 in 2678400000"},
    {"RateLimit", R"("a";r=1;t=2678401)", "a -/- 1 in - ignored 1"},
    {"RateLimit", R"("a";r=1;t=999999999999999)", "a -/- 1 in - ignored 1"},
    {"RateLimit", R"("a";r=1;t=9999999999999999)", " ignored 1"},
    {"RateLimit", "limit=x, remaining=50, reset=-3", " -/- 50 in - ignored 1"},
    {"RateLimit", "limit=, remaining", " ignored 1"},
    {"RateLimit", "limit=100, ;w=60", " 100/- - in - ignored 1"},
    {"RateLimit-Policy", R"("a")", " ignored 1"},
    {"RateLimit-Policy", R"("a";q=1;w=0)", "a 1/- - in - ignored 1"},
    {"RateLimit-Policy", R"("a";q=1;w=99999999)", "a 1/- - in - ignored 1"},
    {"RateLimit-Policy", "-1;w=60", " ignored 1"},
    {"RateLimit-Policy", ":YQ==:;q=1", " ignored 1"},
};

const Example numbers[] = {
    {"X-RateLimit-Limit", "100", " 100/- - in -"},
    {"X-RateLimit-Limit", "100, 100", " 100/- - in -"},
    {"X-RateLimit-Limit", "100, 50", " ignored 1"},
    {"X-RateLimit-Limit", "100, 100;w=60", " 100/60000 - in -"},
    {"X-RateLimit-Limit", R"(10, 10;w=1;name="a", 1000;w=3600)", " 10/1000 - in - |  1000/3600000 - in -"},
    {"X-RateLimit-Limit", "100;w=60", " 100/60000 - in -"},
    {"X-RateLimit-Limit", "100, 100;w=x!", " 100/- - in - ignored 1"},
    {"X-RateLimit-Limit", "100;", " ignored 1"},
    {"X-RateLimit-Limit", "\"a\";w=1", " ignored 1"},
    {"X-RateLimit-Limit", "", " ignored 1"},
    {"X-RateLimit-Limit", "1e3", " ignored 1"},
    {"X-RateLimit-Limit", "-1", " ignored 1"},
    {"X-RateLimit-Limit", "18446744073709551615", " 18446744073709551615/- - in -"},
    {"X-RateLimit-Limit", "18446744073709551616", " ignored 1"},
    {"x-rate-limit-limit", "15", " 15/- - in -"},
    {"RateLimit-Limit", "100, 100;w=60", " 100/60000 - in -"},
    {"RateLimit-Remaining", "0", " -/- 0 in -"},
    {"X-Rate-Limit-Remaining", "7", " -/- 7 in -"},
    {"X-RateLimit-Remaining", "7, 7,7", " -/- 7 in -"},
    {"X-RateLimit-Remaining", "7, 8", " ignored 1"},
    {"X-RateLimit-Remaining", "-1", " ignored 1"},
    {"X-RateLimit-Remaining-Requests", "9", " -/- 9 in -"},
    {"X-RateLimit-Remaining-Tokens", "9", ""},
    {"X-RateLimit-Bucket", "abcd1234", ""},
    {"RateLimit-Reset", "30", " -/- - in 30000"},
    {"X-RateLimit-Reset", "0", " -/- - in 0"},
    {"X-RateLimit-Reset", "1.5", " -/- - in 1500"},
    {"X-RateLimit-Reset", "2678400", " -/- - in 2678400000"},
    {"X-RateLimit-Reset", "2678401", " ignored 1"},
    {"X-RateLimit-Reset", "999999999", " ignored 1"},
    {"X-RateLimit-Reset", "1800000030", " -/- - in 31000"}, // whole seconds, so one more
    {"X-RateLimit-Reset", "1800000030, 1800000030", " -/- - in 31000"},
    {"X-RateLimit-Reset", "1800000030.25", " -/- - in 31250"},
    {"X-RateLimit-Reset", "1800000030250", " -/- - in 30250"},
    {"X-RateLimit-Reset", "1799999990", " -/- - in 0"},
    {"X-RateLimit-Reset", "1000000000", " -/- - in 0"},
    {"X-RateLimit-Reset", "1799999990000", " -/- - in 0"},
    {"X-RateLimit-Reset", "1810000000", " ignored 1"},
    {"X-RateLimit-Reset", "1800000030000000", " ignored 1"}, // microseconds nobody writes
    {"X-RateLimit-Reset", "99999999999999999999999999", " ignored 1"},
    {"X-RateLimit-Reset", "-5", " ignored 1"},
    {"X-RateLimit-Reset", "soon", " ignored 1"},
    {"X-RateLimit-Reset", "6m0s", " -/- - in 360000"},
    {"X-RateLimit-Reset-Requests", "12ms", " -/- - in 12"},
    {"X-RateLimit-Reset-Requests", "1d2h3m4.5s", " -/- - in 93784500"},
    {"X-RateLimit-Reset-Requests", "6m0", " ignored 1"},
    {"X-RateLimit-Reset-Requests", "s", " ignored 1"},
    {"X-RateLimit-Reset-Requests", "6m-1s", " ignored 1"},
    {"X-RateLimit-Reset-Requests", "32d", " ignored 1"},
    {"X-RateLimit-Reset-After", "0.064", " -/- - in 64"},
    {"X-RateLimit-Reset-After", "1800000000", " ignored 1"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(ServerHintsTest)

BOOST_DATA_TEST_CASE(reads_the_lists_of_the_drafts, boost::unit_test::data::make(lists), example)
{
    BOOST_TEST(read({{example.field, example.value}}) == example.expected);
}

BOOST_DATA_TEST_CASE(reads_single_numbers, boost::unit_test::data::make(numbers), example)
{
    BOOST_TEST(read({{"Date", date}, {example.field, example.value}}) == example.expected);
}

BOOST_AUTO_TEST_CASE(joins_policy_and_standing_by_name)
{
    BOOST_TEST(read({{"RateLimit", R"("perhr";r=999;t=3000, "permin";r=37;t=12)"},
                     {"RateLimit-Policy", R"("permin";q=100;w=60)"},
                     {"RateLimit-Policy", R"("perhr";q=1000;w=3600)"}}) ==
               "permin 100/60000 37 in 12000 | perhr 1000/3600000 999 in 3000000");
    BOOST_TEST(read({{"RateLimit-Policy", R"("a";q=9;w=1)"}, {"RateLimit", R"("a";r=1;pk=:YQ==:, "a";r=2;pk=:Yg==:)"}}) ==
               "a 9/1000 1 in - | a 9/1000 2 in -");
    BOOST_TEST(read({{"RateLimit-Policy", "100;w=60"}, {"RateLimit", "limit=100, remaining=3, reset=4"}}) ==
               " 100/60000 3 in 4000");
    BOOST_TEST(read({{"RateLimit-Policy", "100;w=60"},
                     {"RateLimit-Limit", "100"},
                     {"RateLimit-Remaining", "3"},
                     {"RateLimit-Reset", "4"}}) == " 100/60000 3 in 4000");
}

BOOST_AUTO_TEST_CASE(what_counts_something_else_than_requests_is_left_out_of_both)
{
    BOOST_TEST(read({{"RateLimit-Policy", R"("bytes";q=5000;qu="content-bytes";w=60, "calls";q=10;w=60)"},
                     {"RateLimit", R"("bytes";r=0;t=50, "calls";r=9;t=50)"}}) == "calls 10/60000 9 in 50000");
}

BOOST_AUTO_TEST_CASE(github_s_form)
{
    const auto answer = hint({{"Date", date},
                              {"X-RateLimit-Limit", "5000"},
                              {"X-RateLimit-Remaining", "0"},
                              {"X-RateLimit-Reset", "1800000600"},
                              {"X-RateLimit-Used", "5000"},
                              {"X-RateLimit-Resource", "core"}},
                             WallTime(std::chrono::seconds(second + 7200))); // its own clock, not ours
    BOOST_TEST(text(answer) == " 5000/- 0 in 601000");
    BOOST_TEST(answer.exhausted());
    BOOST_TEST(!answer.retryAfter.has_value());
}

BOOST_AUTO_TEST_CASE(without_a_date_our_own_clock_counts)
{
    const auto now = WallTime(std::chrono::seconds(second)) + 500ms;
    BOOST_TEST(text(hint({{"X-RateLimit-Reset", "1800000010"}}, now)) == " -/- - in 10500");
    BOOST_TEST(text(hint({{"Date", "yesterday"}, {"X-RateLimit-Reset", "1800000010"}}, now)) == " -/- - in 10500");
}

BOOST_AUTO_TEST_CASE(the_finer_reset_counts)
{
    BOOST_TEST(read({{"X-RateLimit-Reset", "1800000010"}, {"X-RateLimit-Reset-After", "9.125"}, {"X-RateLimit-Limit", "5"}}) ==
               " 5/- - in 9125");
    BOOST_TEST(read({{"X-RateLimit-Reset", "8"}, {"X-RateLimit-Reset-After", "x"}, {"X-RateLimit-Limit", "5"}}) ==
               " 5/- - in 8000 ignored 1");
}

BOOST_AUTO_TEST_CASE(repeated_fields_must_agree)
{
    BOOST_TEST(read({{"X-RateLimit-Limit", "5"}, {"x-ratelimit-limit", "5"}}) == " 5/- - in -");
    BOOST_TEST(read({{"X-RateLimit-Limit", "5"}, {"X-RateLimit-Limit", "6"}, {"X-RateLimit-Remaining", "4"}}) ==
               " -/- 4 in - ignored 1");
    BOOST_TEST(read({{"X-RateLimit-Limit", "5"}, {"X-RateLimit-Limit", "6"}, {"X-RateLimit-Limit", "5"}}) == " ignored 1");
}

BOOST_AUTO_TEST_CASE(requests_and_tokens_are_told_apart)
{
    BOOST_TEST(read({{"x-ratelimit-limit-requests", "500"},
                     {"x-ratelimit-limit-tokens", "30000"},
                     {"x-ratelimit-remaining-requests", "499"},
                     {"x-ratelimit-remaining-tokens", "0"},
                     {"x-ratelimit-reset-requests", "120ms"},
                     {"x-ratelimit-reset-tokens", "6m0s"}}) == " 500/- 499 in 120");
}

BOOST_AUTO_TEST_CASE(a_stored_answer_tells_no_quotas)
{
    const auto stored = hint({{"Age", "3"}, {"X-RateLimit-Remaining", "x"}, {"RateLimit", R"("a";r=0)"}, {"Retry-After", "5"}});
    BOOST_TEST(stored.quotas.empty());
    BOOST_TEST(stored.ignored == 0U);
    BOOST_TEST((stored.retryAfter == 5s));
    BOOST_TEST(read({{"Age", "0"}, {"X-RateLimit-Remaining", "1"}}) == " -/- 1 in -");
}

BOOST_AUTO_TEST_CASE(the_wait_asked_for_stands_beside_the_quotas)
{
    const auto answer = hint({{"Retry-After", "7"}, {"RateLimit", R"("a";r=0;t=3)"}, {"retry-after-ms", "bad"}});
    BOOST_TEST((answer.retryAfter == 7s));
    BOOST_TEST(text(answer) == "a -/- 0 in 3000 ignored 1");
}

BOOST_AUTO_TEST_CASE(an_answer_without_such_fields_says_nothing)
{
    BOOST_TEST(hint({}).empty());
    BOOST_TEST(hint({{"Content-Type", "text/plain"},
                     {"X-Request-Id", "1"},
                     {"X", "1"},
                     {"R", "1"},
                     {"X-Robots-Tag", "none"},
                     {"Referrer-Policy", "origin"},
                     {"Ratelimits", "1"},
                     {"", ""}})
                   .empty());
}

BOOST_AUTO_TEST_CASE(no_more_items_than_sense)
{
    std::string many = "\"a\";r=1";
    for (int i = 0; i < 63; ++i) many += ", \"a\";r=1";
    BOOST_TEST(hint({{"RateLimit", many}}).quotas.size() == 64U);
    BOOST_TEST(hint({{"RateLimit", many + ", \"b\";r=1"}}).ignored == 1U);
    const auto two = hint({{"RateLimit", many}, {"RateLimit", "\"b\";r=1"}});
    BOOST_TEST(two.quotas.size() == 64U);
    BOOST_TEST(two.ignored == 1U);

    Headers old;
    for (int i = 0; i < 100; ++i) old.add("RateLimit", "limit=5, remaining=3");
    const auto capped = limits::serverHint(old, WallTime());
    BOOST_TEST(capped.quotas.size() == 64U);
    BOOST_TEST(capped.ignored == 36U);
}

BOOST_AUTO_TEST_CASE(random_answers_never_break_it_and_never_exceed_the_caps)
{
    std::mt19937 random(610);
    const auto pick = [&](const auto& from) { return from[random() % std::size(from)]; };
    const char* const waits[] = {"Retry-After", "retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after", "Date", "Age"};
    const char* const values[] = {"120", "1.5", date, "Fri Jan 15 08:00:09 2027", "Friday, 15-Jan-27 08:00:09 GMT, 12"};
    unsigned sound = 0, ignored = 0;
    for (int round = 0; round < 30000; ++round) {
        Headers headers;
        for (auto fields = random() % 5; fields > 0; --fields) {
            const Example example = random() % 2 == 0 ? pick(lists) : pick(numbers);
            const bool wait = random() % 3 == 0;
            std::string value = wait ? pick(values) : example.value;
            for (auto changes = random() % 3; changes > 0 && !value.empty(); --changes) {
                const auto at = random() % value.size();
                switch (random() % 3) {
                case 0: value[at] = static_cast<char>(random()); break;
                case 1: value.insert(at, 1, "0123456789,;=\"."[random() % 15]); break;
                default: value.erase(at, 1 + random() % 3);
                }
            }
            headers.add(wait ? pick(waits) : example.field, value);
        }
        const ServerHint answer = limits::serverHint(headers, WallTime(std::chrono::seconds(second)));
        sound += !answer.quotas.empty() || answer.retryAfter;
        ignored += answer.ignored;
        if (answer.retryAfter) BOOST_REQUIRE((*answer.retryAfter >= 0s && *answer.retryAfter <= 6h));
        for (const auto& quota : answer.quotas) {
            if (quota.reset) BOOST_REQUIRE((*quota.reset >= 0s && *quota.reset <= 24h * 31));
            if (quota.window) BOOST_REQUIRE((*quota.window > 0s && *quota.window <= 24h * 31));
        }
    }
    BOOST_TEST(sound > 10000U);
    BOOST_TEST(ignored > 10000U);
}

BOOST_AUTO_TEST_SUITE_END()
