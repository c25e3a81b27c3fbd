#include "stores/StateCodec.h"
#include "stores/States.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <random>
#include <string>

namespace tollgate::stores {

namespace {

using testing::equal;
using testing::randomState;

Stamp someStamp()
{
    return {0xfeedfacecafebeefU, TimePoint(std::chrono::hours(77)), WallTime(std::chrono::seconds(1'700'000'000)), "boot x"};
}

/// A full log of 1,000 requests an hour.
QuotaState fullLog()
{
    QuotaState state = randomState(7, 0);
    state.limits.clear();
    LimitState& limit = state.limits["|3600000000000"];
    for (unsigned i = 0; i < 1'000; ++i) {
        limit.cooling.push_back({TimePoint(std::chrono::hours(100) + std::chrono::milliseconds(3'600) * i), 5'000'000U + i, 1});
        ++limit.coolingWeight;
    }
    return state;
}

} // namespace

BOOST_AUTO_TEST_SUITE(StateCodecTest)

BOOST_AUTO_TEST_CASE(what_is_read_is_what_was_written)
{
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
        const QuotaState state = randomState(seed);
        const std::string bytes = encodeDocument(someStamp(), encodeBody(state));
        const OpenedDocument document = openDocument(bytes);
        BOOST_REQUIRE_EQUAL(document.stamp.epoch, someStamp().epoch);
        BOOST_REQUIRE(document.stamp.at == someStamp().at);
        BOOST_REQUIRE(document.stamp.wall == someStamp().wall);
        BOOST_REQUIRE_EQUAL(document.stamp.domain, "boot x");
        BOOST_REQUIRE_MESSAGE(equal(decodeBody(document.body), state), "seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(the_share_is_not_kept)
{
    QuotaState state = fullLog();
    state.share = 8;
    state.limits.begin()->second.share = 8;
    const QuotaState again = decodeBody(encodeBody(state));
    BOOST_CHECK_EQUAL(again.share, 1U);
    BOOST_CHECK_EQUAL(again.limits.begin()->second.share, 1U);
}

BOOST_AUTO_TEST_CASE(every_cut_and_every_flipped_bit_is_noticed)
{
    const std::string bytes = encodeDocument(someStamp(), encodeBody(randomState(3, 4)));
    BOOST_CHECK_NO_THROW(openDocument(bytes));
    for (std::size_t size = 0; size < bytes.size(); ++size)
        BOOST_REQUIRE_THROW(openDocument(std::string_view(bytes).substr(0, size)), SpoiledDocument);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        // A flipped bit in the schema's number makes it a newer document, which is refused as well.
        BOOST_REQUIRE_THROW(openDocument(damaged), std::runtime_error);
    }
}

BOOST_AUTO_TEST_CASE(a_body_that_lies_is_refused_and_takes_little_memory)
{
    // Behind the checksum: what a hostile writer could make us read.
    const std::string body = encodeBody(randomState(11, 8));
    std::mt19937_64 random(1);
    unsigned refused = 0;
    for (unsigned i = 0; i < 20'000; ++i) {
        std::string damaged = body;
        for (unsigned n = 0; n <= i % 4; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
        if (i % 3 == 0) damaged.resize(random() % damaged.size());
        try {
            std::size_t slots = 0;
            for (const auto& limit : decodeBody(damaged).limits) slots += limit.second.cooling.size() + limit.second.past.size();
            BOOST_REQUIRE_LE(slots, damaged.size());
        } catch (const SpoiledDocument&) {
            ++refused;
        }
    }
    BOOST_CHECK_GT(refused, 10'000U);
    for (unsigned i = 0; i < 20'000; ++i) {
        std::string noise(random() % 64, '\0');
        for (char& c : noise) c = static_cast<char>(random());
        try {
            decodeBody(noise);
        } catch (const SpoiledDocument&) {
            ++refused;
        }
    }
    BOOST_CHECK_GT(refused, 29'000U);
    const std::string huge("\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10); // 2^63 members
    BOOST_CHECK_THROW(decodeBody(huge), SpoiledDocument);
}

BOOST_AUTO_TEST_CASE(a_log_out_of_order_is_put_in_order)
{
    QuotaState state = fullLog();
    std::swap(state.limits.begin()->second.cooling.front(), state.limits.begin()->second.cooling.back());
    BOOST_CHECK(equal(decodeBody(encodeBody(state)), fullLog()));
}

BOOST_AUTO_TEST_CASE(a_newer_document_is_not_guessed_at)
{
    std::string bytes = encodeDocument(someStamp(), encodeBody(QuotaState{}));
    bytes[4] = 2; // the schema
    BOOST_CHECK_THROW(openDocument(bytes), NewerDocument);
}

BOOST_AUTO_TEST_CASE(a_full_log_is_small_and_stays_so)
{
    const QuotaState state = fullLog();
    const std::string bytes = encodeDocument(someStamp(), encodeBody(state));
    BOOST_CHECK_LT(bytes.size(), 10'000U);
    constexpr int rounds = 200;
    const auto begin = std::chrono::steady_clock::now();
    std::size_t sum = 0;
    for (int i = 0; i < rounds; ++i) {
        const QuotaState again = decodeBody(openDocument(bytes).body);
        sum += encodeDocument(someStamp(), encodeBody(again)).size();
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    BOOST_CHECK_EQUAL(sum, bytes.size() * rounds);
    const double each = std::chrono::duration<double, std::micro>(took).count() / rounds;
    BOOST_TEST_MESSAGE("1,000 slots: " << bytes.size() << " bytes, read and written in " << each << " us");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::stores
