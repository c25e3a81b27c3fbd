#include "stores/SharedStore.h"
#include "stores/Counting.h"
#include "stores/StateCodec.h"
#include "support/Throws.h"
#include "tollgate/Error.h"
#include "tollgate/testing/VirtualClock.h"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace tollgate::stores {

namespace {

using namespace std::chrono_literals;
using testing::draw;
using testing::drawn;
using testing::someKey;

/// What several stores share, with every failure at hand.
struct Shelf
{
    std::shared_ptr<testing::VirtualClock> clock = testing::VirtualClock::create();
    std::map<std::string, std::string> documents;
    std::map<std::string, std::string> aside;
    Secret namingKey;
    bool failing = false;
    bool silent = false;          ///< answers nothing for as long as one asks
    bool failsAfterwards = false; ///< written, but nobody hears of it
    unsigned conflicts = 0;       ///< so many writes are refused, as somebody else was quicker
    unsigned asked = 0;
    unsigned written = 0;
    Duration offset{}; ///< of its clock to everybody else's
    bool durable = false;
};

class ShelfBackend final : public Backend
{
public:
    explicit ShelfBackend(Shelf& shelf) : _shelf(shelf) {}

    void transact(const QuotaKey& key, const Edit& edit, transport::Watch& watch) override
    {
        ++_shelf.asked;
        if (_shelf.failing) throw BackendFailure("the shelf is out of reach");
        if (_shelf.silent) watch.waitUntil(-1, 0, never, transport::Phase::Store);
        const auto known = _shelf.documents.find(key.text());
        Edited edited;
        for (;;) {
            edited = edit(known == _shelf.documents.end() ? std::string_view() : std::string_view(known->second),
                          _shelf.clock->now() + _shelf.offset);
            if (_shelf.conflicts == 0) break;
            --_shelf.conflicts;
        }
        if (!edited.spoiled.empty()) _shelf.aside[key.text()] = edited.spoiled;
        if (!edited.write) return;
        ++_shelf.written;
        _shelf.durable = edited.durable;
        _shelf.documents[key.text()] = edited.bytes;
        if (_shelf.failsAfterwards) throw BackendFailure("the shelf fell silent");
    }

    Secret namingKey(const Secret& proposal, transport::Watch& /*watch*/) override
    {
        if (_shelf.failing) throw BackendFailure("the shelf is out of reach");
        if (_shelf.namingKey.empty()) _shelf.namingKey = proposal;
        return _shelf.namingKey;
    }

    Duration patience() const override { return 200ms; }
    std::string domain() const override { return "shelf"; }
    std::string describe() const override { return "the shelf"; }

private:
    Shelf& _shelf;
};

QuotaStorePtr storeOn(Shelf& shelf, StoreFailure failure = StoreFailure::SafeShare, unsigned processes = 0)
{
    StoreOptions options;
    options.failure = failure;
    options.processes = processes;
    options.clock = shelf.clock;
    return std::make_shared<SharedStore>(std::make_unique<ShelfBackend>(shelf), options, 5s);
}

unsigned shareOf(QuotaStore& store)
{
    unsigned share = 0;
    store.update(someKey(), [&](QuotaState& state, TimePoint) { share = state.share; });
    return share;
}

} // namespace

BOOST_AUTO_TEST_SUITE(SharedStoreTest)

BOOST_AUTO_TEST_CASE(processes_see_each_other_and_those_that_end_are_forgotten)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    draw(*one);
    {
        const QuotaStorePtr other = storeOn(shelf);
        draw(*other);
        shelf.failing = true;
        draw(*other);
        BOOST_CHECK_EQUAL(shareOf(*other), 3U);
        shelf.failing = false;
        shelf.clock->advance(6s);
        draw(*other);
    } // it says farewell
    draw(*one);
    shelf.failing = true;
    BOOST_CHECK_EQUAL(shareOf(*one), 1U);
}

BOOST_AUTO_TEST_CASE(a_process_that_dies_is_forgotten_after_a_minute)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    // One that never says farewell.
    QuotaStorePtr dead = storeOn(shelf);
    draw(*dead);
    draw(*one);
    shelf.failing = true;
    BOOST_CHECK_EQUAL(shareOf(*one), 3U);
    dead.reset(); // it cannot say so
    shelf.failing = false;
    shelf.clock->advance(61s);
    draw(*one);
    shelf.failing = true;
    shelf.clock->advance(1s);
    draw(*one);
    BOOST_CHECK_EQUAL(shareOf(*one), 1U);
}

BOOST_AUTO_TEST_CASE(a_look_costs_no_write_and_a_conflict_runs_the_function_again)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    const unsigned written = shelf.written;
    drawn(*store);
    drawn(*store);
    BOOST_CHECK_EQUAL(shelf.written, written);
    shelf.conflicts = 3;
    BOOST_CHECK_EQUAL(draw(*store), 2U);
    BOOST_CHECK_EQUAL(drawn(*store), 2U);
}

BOOST_AUTO_TEST_CASE(closed_lets_nothing_go_and_changes_nothing)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf, StoreFailure::Closed);
    draw(*store);
    shelf.failing = true;
    bool ran = false;
    try {
        store->update(someKey(), [&](QuotaState&, TimePoint) { ran = true; });
        BOOST_ERROR("it went");
    } catch (const StoreUnavailable& error) {
        BOOST_CHECK(std::string(error.what()).find("the shelf is out of reach") != std::string::npos);
        BOOST_CHECK(!error.hint().empty());
    }
    BOOST_CHECK(!ran);
    BOOST_CHECK_EQUAL(store->trouble(), "the shelf is out of reach");
    shelf.failing = false;
    BOOST_CHECK_EQUAL(draw(*store), 2U);
    BOOST_CHECK(store->trouble().empty());
}

BOOST_AUTO_TEST_CASE(safe_share_counts_each_request_once_for_every_process)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    draw(*one);
    draw(*other);
    draw(*one);
    shelf.failing = true;
    draw(*one);
    draw(*one);
    // A share for each and one for what was not seen; and the others are presumed to have taken three more.
    BOOST_CHECK_EQUAL(drawn(*one), 3U + 2U * 3U + 3U);
    draw(*other);
    BOOST_CHECK_EQUAL(drawn(*other), 2U + 3U + 2U); // as it last saw it
    shelf.failing = false;
    shelf.clock->advance(6s);           // the pause after three failures
    BOOST_CHECK_EQUAL(drawn(*one), 5U); // ours come home, each once
    BOOST_CHECK_EQUAL(drawn(*other), 6U);
    BOOST_CHECK_EQUAL(drawn(*one), 6U);
    BOOST_CHECK_EQUAL(shareOf(*one), 1U);
}

BOOST_AUTO_TEST_CASE(safe_share_presumes_that_others_took_what_came_free)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    draw(*other);
    for (int i = 0; i < 5; ++i) draw(*one);
    shelf.failing = true;
    shelf.clock->advance(61s); // all came free, and the others took as much again
    BOOST_CHECK_EQUAL(drawn(*one), 6U);
    shelf.clock->advance(61s);
    BOOST_CHECK_EQUAL(drawn(*one), 0U);
    shelf.failing = false;
    BOOST_CHECK_EQUAL(drawn(*one), 0U); // it was but presumed
}

BOOST_AUTO_TEST_CASE(alone_nothing_is_presumed)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    for (int i = 0; i < 5; ++i) draw(*store);
    shelf.failing = true;
    shelf.clock->advance(61s);
    BOOST_CHECK_EQUAL(drawn(*store), 0U);
    BOOST_CHECK_EQUAL(shareOf(*store), 1U);
}

BOOST_AUTO_TEST_CASE(open_counts_for_itself)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf, StoreFailure::Open);
    const QuotaStorePtr other = storeOn(shelf, StoreFailure::Open);
    draw(*other);
    draw(*one);
    shelf.failing = true;
    draw(*one);
    BOOST_CHECK_EQUAL(shareOf(*one), 1U);
    BOOST_CHECK_EQUAL(drawn(*one), 3U);
    shelf.failing = false;
    BOOST_CHECK_EQUAL(drawn(*one), 3U);
}

BOOST_AUTO_TEST_CASE(declared_processes_count_from_the_start)
{
    Shelf shelf;
    shelf.failing = true;
    const QuotaStorePtr store = storeOn(shelf, StoreFailure::SafeShare, 8);
    BOOST_CHECK_EQUAL(shareOf(*store), 9U); // never seen anything
    draw(*store);
    BOOST_CHECK_EQUAL(drawn(*store), 9U);
    shelf.failing = false;
    shelf.clock->advance(6s);
    BOOST_CHECK_EQUAL(drawn(*store), 1U);
}

BOOST_AUTO_TEST_CASE(what_was_in_flight_and_came_back_meanwhile_is_settled)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    const auto fly = [](QuotaState& state, TimePoint now) {
        state.limits["|60"].inFlight.push_back({++state.lastPermit, 1, now + 30s, 0});
        ++state.limits["|60"].inFlightWeight;
        state.gate.versions["v"].canary = state.lastPermit;
    };
    store->update(someKey(), fly);
    shelf.failing = true;
    store->update(someKey(), [](QuotaState& state, TimePoint now) {
        LimitState& limit = state.limits["|60"];
        BOOST_REQUIRE_EQUAL(limit.inFlight.size(), 1U);
        limit.cooling.push_back({now + 60s, limit.inFlight.front().permit, 1});
        limit.coolingWeight = 1;
        limit.inFlight.clear();
        limit.inFlightWeight = 0;
        state.gate.versions["v"].canary = 0;
    });
    shelf.failing = false;
    store->update(someKey(), [](QuotaState& state, TimePoint) {
        BOOST_CHECK_EQUAL(state.limits["|60"].inFlightWeight, 0U);
        BOOST_CHECK_EQUAL(state.limits["|60"].coolingWeight, 1U);
        BOOST_CHECK_EQUAL(state.gate.versions["v"].canary, 0U);
    });
}

BOOST_AUTO_TEST_CASE(a_verdict_found_while_cut_off_is_brought_home)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    draw(*one);
    draw(*other);
    shelf.failing = true;
    one->update(someKey(), [](QuotaState& state, TimePoint now) {
        state.gate.versions["v"].verdict = VersionState::Verdict::Bad;
        state.gate.lockedUntil = now + 60s;
    });
    shelf.failing = false;
    drawn(*one);
    other->update(someKey(), [](QuotaState& state, TimePoint now) {
        BOOST_CHECK(state.gate.versions["v"].verdict == VersionState::Verdict::Bad);
        BOOST_CHECK(state.gate.lockedUntil == now + 60s);
    });
}

BOOST_AUTO_TEST_CASE(after_three_failures_it_is_left_in_peace_and_then_tried_once)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    shelf.failing = true;
    const unsigned before = shelf.asked;
    for (int i = 0; i < 10; ++i) draw(*store);
    BOOST_CHECK_EQUAL(shelf.asked, before + 3);
    shelf.clock->advance(5s);
    for (int i = 0; i < 10; ++i) draw(*store);
    BOOST_CHECK_EQUAL(shelf.asked, before + 4);
    shelf.failing = false;
    shelf.clock->advance(5s);
    BOOST_CHECK(!store->trouble().empty());
    draw(*store);
    BOOST_CHECK(store->trouble().empty());
    BOOST_CHECK_EQUAL(drawn(*store), 22U);
}

BOOST_AUTO_TEST_CASE(a_write_that_nobody_confirmed_counts)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    shelf.failsAfterwards = true;
    draw(*store); // there, and, as nobody knows that, here too
    shelf.failsAfterwards = false;
    BOOST_CHECK_EQUAL(drawn(*store), 3U);
}

BOOST_AUTO_TEST_CASE(only_durations_mix_with_the_stores_clock)
{
    Shelf shelf;
    shelf.offset = 24h * 365 * 50;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    shelf.failing = true;
    shelf.clock->advance(30s);
    draw(*store);
    BOOST_CHECK_EQUAL(drawn(*store), 2U);
    shelf.clock->advance(31s);
    BOOST_CHECK_EQUAL(drawn(*store), 1U);
    shelf.failing = false;
    BOOST_CHECK_EQUAL(drawn(*store), 1U);
    shelf.clock->advance(30s);
    BOOST_CHECK_EQUAL(drawn(*store), 0U);
}

BOOST_AUTO_TEST_CASE(a_store_whose_clock_is_set_back_keeps_its_distances)
{
    Shelf shelf;
    shelf.offset = 24h * 365;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    draw(*one);
    shelf.offset = 24h;
    BOOST_CHECK_EQUAL(drawn(*one), 1U);
    BOOST_CHECK_EQUAL(drawn(*other), 1U);
    shelf.clock->advance(61s);
    BOOST_CHECK_EQUAL(drawn(*one), 0U);
    BOOST_CHECK_EQUAL(drawn(*other), 0U);
}

BOOST_AUTO_TEST_CASE(an_emptied_store_is_told_again_what_everybody_knows)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    const Secret name = one->namingKey();
    draw(*one);
    draw(*other);
    draw(*one);
    draw(*other);
    draw(*one); // the other one does not know of this
    shelf.clock->advance(1s);
    shelf.documents.clear();
    shelf.namingKey = {};
    BOOST_CHECK_EQUAL(drawn(*other), 4U + 4U); // it presumes that as many were taken that it does not know of
    BOOST_CHECK_EQUAL(shareOf(*other), 3U);
    BOOST_CHECK_EQUAL(drawn(*one), 5U); // now all is known
    BOOST_CHECK_EQUAL(shareOf(*one), 1U);
    BOOST_CHECK_EQUAL(drawn(*other), 5U);
    BOOST_CHECK_EQUAL(shareOf(*other), 1U);
    BOOST_CHECK(shelf.namingKey == name);
}

BOOST_AUTO_TEST_CASE(those_who_do_not_come_back_after_a_loss_are_not_waited_for)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    draw(*other);
    draw(*one);
    shelf.documents.clear();
    draw(*one);
    BOOST_CHECK_EQUAL(shareOf(*one), 3U);
    shelf.clock->advance(61s);
    BOOST_CHECK_EQUAL(shareOf(*one), 1U);
    BOOST_CHECK_EQUAL(drawn(*one), 0U);
}

BOOST_AUTO_TEST_CASE(an_idle_account_that_was_dropped_is_no_loss)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    draw(*other);
    draw(*one);
    shelf.clock->advance(10min);
    shelf.documents.clear();
    BOOST_CHECK_EQUAL(shareOf(*one), 1U);
    BOOST_CHECK_EQUAL(drawn(*one), 0U);
}

BOOST_AUTO_TEST_CASE(a_spoiled_document_is_put_aside_and_counting_goes_on)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    shelf.documents.begin()->second[20] ^= 1;
    const std::string spoiled = shelf.documents.begin()->second;
    BOOST_CHECK_GT(draw(*store), 1U); // what we knew holds
    BOOST_CHECK_EQUAL(shelf.aside.at(someKey().text()), spoiled);
    BOOST_CHECK(store->trouble().find("put aside") != std::string::npos);
    BOOST_CHECK_EQUAL(drawn(*storeOn(shelf)), 2U);
    shelf.clock->advance(61s);
    BOOST_CHECK(store->trouble().empty());
}

BOOST_AUTO_TEST_CASE(a_newer_document_is_left_alone)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    std::string& document = shelf.documents.begin()->second;
    document[4] = 9; // its schema
    const std::string newer = document;
    draw(*store);
    BOOST_CHECK(store->trouble().find("newer version") != std::string::npos);
    BOOST_CHECK_EQUAL(document, newer);
    BOOST_CHECK(shelf.aside.empty());
    BOOST_CHECK_EQUAL(drawn(*store), 2U);
}

BOOST_AUTO_TEST_CASE(verdicts_and_locks_are_written_through_and_counts_are_not)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    BOOST_CHECK(!shelf.durable);
    store->update(someKey(), [](QuotaState& state, TimePoint) { state.gate.versions["v"].verdict = VersionState::Verdict::Bad; });
    BOOST_CHECK(shelf.durable);
    draw(*store);
    BOOST_CHECK(!shelf.durable);
    store->update(someKey(), [](QuotaState& state, TimePoint now) { state.gate.lockedUntil = now + 60s; });
    BOOST_CHECK(shelf.durable);
}

BOOST_AUTO_TEST_CASE(the_naming_key_is_one_for_all_and_empty_while_it_cannot_be_had)
{
    Shelf shelf;
    const QuotaStorePtr one = storeOn(shelf);
    const QuotaStorePtr other = storeOn(shelf);
    shelf.failing = true;
    BOOST_CHECK(one->namingKey().empty());
    BOOST_CHECK(!one->trouble().empty());
    shelf.failing = false;
    BOOST_CHECK_EQUAL(one->namingKey().expose().size(), 32U);
    BOOST_CHECK(one->namingKey() == other->namingKey());
    shelf.failing = true;
    BOOST_CHECK(one->namingKey() == shelf.namingKey);
}

BOOST_AUTO_TEST_CASE(among_many_idle_accounts_one_that_counts_is_not_forgotten)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    const QuotaKey kept("https://a", "kept");
    draw(*store, kept);
    for (int i = 0; i < 3'000; ++i) {
        drawn(*store, QuotaKey("https://a", std::to_string(i)));
    }
    shelf.failing = true;
    BOOST_CHECK_EQUAL(drawn(*store, kept), 1U);
}

BOOST_AUTO_TEST_CASE(callers_that_give_up_before_the_store_does_count_as_one_failure_together)
{
    Shelf shelf;
    const QuotaStorePtr store = storeOn(shelf);
    draw(*store);
    shelf.silent = true;
    const auto hurried = [&](Duration patience) {
        store->update(someKey(), [](QuotaState&, TimePoint) {}, {std::chrono::steady_clock::now() + patience, {}});
    };
    unsigned gaveUp = 0;
    for (; gaveUp < 100 && store->trouble().empty(); ++gaveUp) tests::thrown<Timeout>([&] { hurried(150ms); });
    BOOST_CHECK_LE(gaveUp, 3U); // two make more than its 200 ms
    BOOST_CHECK(tests::contains(store->trouble(), "the shelf keeps calls waiting"));
    for (; gaveUp < 100 && shelf.asked < 100; ++gaveUp) {
        const unsigned asked = shelf.asked;
        try {
            hurried(150ms);
        } catch (const Timeout&) {
            continue;
        }
        BOOST_CHECK_EQUAL(shelf.asked, asked); // it is left in peace, and the process counts for itself
        break;
    }
    BOOST_CHECK_LE(gaveUp, 9U);
    draw(*store);
    // When it is tried again, one of them is enough.
    shelf.clock->advance(6s);
    tests::thrown<Timeout>([&] { hurried(100ms); });
    hurried(10s);
    shelf.silent = false;
    shelf.clock->advance(6s);
    BOOST_CHECK_EQUAL(drawn(*store), 2U);
    BOOST_CHECK_MESSAGE(store->trouble().empty(), store->trouble());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::stores
