#include "tollgate/stores/RedisStore.h"
#include "stores/Counting.h"
#include "stores/RedisServer.h"
#include "stores/redis/RedisAddress.h"
#include "support/Throws.h"
#include "tollgate/Error.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace tollgate {

namespace {

using namespace std::chrono_literals;
using stores::RedisAddress;
using testing::draw;
using testing::drawn;
using testing::RedisServer;
using testing::someKey;
using tests::contains;
using tests::thrown;

/// Timeouts that a busy machine keeps, and a short pause.
RedisStoreOptions patient(StoreFailure failure = StoreFailure::SafeShare)
{
    RedisStoreOptions options;
    options.failure = failure;
    options.connectTimeout = 10s;
    options.commandTimeout = 10s;
    options.pauseAfterFailures = 200ms;
    return options;
}

/// Draws until the store is in order again; how often it had to.
unsigned drawUntilWell(QuotaStore& store)
{
    unsigned draws = 0;
    for (const auto until = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < until;) {
        draw(store);
        ++draws;
        if (store.trouble().empty()) return draws;
        std::this_thread::sleep_for(50ms);
    }
    BOOST_FAIL("it does not recover: " << store.trouble());
    return draws;
}

} // namespace

BOOST_AUTO_TEST_SUITE(RedisStoreTest)

BOOST_AUTO_TEST_CASE(addresses_are_read)
{
    const auto check = [](const char* text, const char* host, unsigned port, int database = -1) {
        const RedisAddress address = RedisAddress::parse(text);
        BOOST_CHECK_EQUAL(address.host, host);
        BOOST_CHECK_EQUAL(address.port, port);
        BOOST_CHECK_EQUAL(address.database ? static_cast<int>(*address.database) : -1, database);
    };
    check("cache", "cache", 6379);
    check("cache.local:7000", "cache.local", 7000);
    check("10.0.0.1", "10.0.0.1", 6379);
    check("::1", "::1", 6379);
    check("[::1]:7000", "::1", 7000);
    check("redis://cache", "cache", 6379);
    check("redis://cache:7000/2", "cache", 7000, 2);
    check("redis://[fe80::1]/0", "fe80::1", 6379, 0);
    BOOST_CHECK_EQUAL(RedisAddress::parse("unix:/run/redis.sock").socketPath, "/run/redis.sock");
    BOOST_CHECK_EQUAL(RedisAddress::parse("unix:///run/redis.sock").socketPath, "/run/redis.sock");
}

BOOST_AUTO_TEST_CASE(addresses_that_are_none_are_refused_without_repeating_them)
{
    for (const char* text : {"", ":6379", "cache:", "cache:0", "cache:70000", "cache:x1", "redis://", "http://cache", "cache/x",
                             "unix:", "unix:x", "[::1", "[::1]x", "a b", "cache?db=1"})
        BOOST_CHECK_MESSAGE(!thrown<ConfigurationError>([&] { redisStore(text); })->hint().empty(), text);
    const auto withPassword = thrown<ConfigurationError>([] { redisStore("redis://me:s3cret@cache:6379"); });
    BOOST_CHECK(!contains(withPassword->displayText(), "s3cret"));
    BOOST_CHECK(contains(withPassword->displayText(), "RedisStoreOptions"));
    BOOST_CHECK(contains(thrown<ConfigurationError>([] { redisStore("rediss://cache"); })->what(), "TLS"));
}

BOOST_AUTO_TEST_CASE(a_timeout_that_would_wait_for_ever_is_refused)
{
    RedisStoreOptions options;
    options.commandTimeout = 0ms;
    BOOST_CHECK_THROW(redisStore("cache", options), ConfigurationError);
    options = {};
    options.connectTimeout = -1ms;
    BOOST_CHECK_THROW(redisStore("cache", options), ConfigurationError);
}

BOOST_AUTO_TEST_CASE(what_one_store_counts_another_one_sees)
{
    const RedisServer redis;
    const QuotaStorePtr one = redisStore(redis.address(), patient());
    const QuotaStorePtr other = redisStore(redis.tcpAddress(), patient());
    BOOST_CHECK_EQUAL(draw(*one), 1U);
    BOOST_CHECK_EQUAL(draw(*other), 2U);
    BOOST_CHECK_EQUAL(draw(*one), 3U);
    BOOST_CHECK_EQUAL(drawn(*other), 3U);
    BOOST_CHECK(one->namingKey() == other->namingKey());
    BOOST_CHECK_EQUAL(one->namingKey().expose().size(), 32U);
    BOOST_CHECK(one->trouble().empty());

    // One hash tag an account, and an end for each key.
    BOOST_CHECK(contains(redis.command("KEYS '*'"), "tollgate:{https://api.example.com:someone}"));
    const long life = std::stol(redis.command("PTTL 'tollgate:{https://api.example.com:someone}'"));
    BOOST_CHECK_GT(life, 60'000);
    BOOST_CHECK_LT(life, 180'000);
}

BOOST_AUTO_TEST_CASE(a_look_writes_nothing)
{
    const RedisServer redis;
    const QuotaStorePtr store = redisStore(redis.address(), patient());
    BOOST_CHECK_EQUAL(drawn(*store), 0U);
    BOOST_CHECK_EQUAL(redis.command("DBSIZE"), "0\n");
    draw(*store); // and the look before is no obstacle
    BOOST_CHECK_EQUAL(drawn(*store), 1U);
}

BOOST_AUTO_TEST_CASE(databases_and_prefixes_keep_apart)
{
    const RedisServer redis;
    RedisStoreOptions second = patient();
    second.database = 2;
    RedisStoreOptions prefixed = patient();
    prefixed.prefix = "other";
    const QuotaStorePtr one = redisStore(redis.address(), patient());
    draw(*one);
    BOOST_CHECK_EQUAL(drawn(*redisStore(redis.address(), second)), 0U);
    BOOST_CHECK_EQUAL(drawn(*redisStore(redis.address(), prefixed)), 0U);
    const QuotaStorePtr byAddress = redisStore("redis://" + redis.tcpAddress() + "/2", patient());
    draw(*byAddress);
    BOOST_CHECK_EQUAL(drawn(*redisStore(redis.address(), second)), 1U);
}

BOOST_AUTO_TEST_CASE(threads_count_together)
{
    const RedisServer redis;
    const QuotaStorePtr one = redisStore(redis.address(), patient());
    const QuotaStorePtr other = redisStore(redis.address(), patient());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            for (int n = 0; n < 50; ++n) draw(i % 2 == 0 ? *one : *other);
        });
    for (std::thread& thread : threads) thread.join();
    BOOST_CHECK_EQUAL(drawn(*one), 200U);
}

BOOST_AUTO_TEST_CASE(what_the_function_throws_comes_through_and_changes_nothing)
{
    const RedisServer redis;
    const QuotaStorePtr store = redisStore(redis.address(), patient());
    draw(*store);
    BOOST_CHECK_THROW(store->update(someKey(),
                                    [](QuotaState& state, TimePoint) {
                                        state.lastPermit = 99;
                                        throw Cancelled("no", "none");
                                    }),
                      Cancelled);
    BOOST_CHECK_EQUAL(draw(*store), 2U);
    BOOST_CHECK(store->trouble().empty());
}

BOOST_AUTO_TEST_CASE(a_password_opens_the_door_and_is_never_shown)
{
    const RedisServer redis({"--requirepass", "open sesame"});
    RedisStoreOptions options = patient();
    options.password = Secret("open sesame");
    const QuotaStorePtr store = redisStore(redis.address(), options);
    draw(*store);
    BOOST_CHECK_MESSAGE(store->trouble().empty(), store->trouble());

    options.password = Secret("s3cret but wrong");
    options.failure = StoreFailure::Closed;
    const auto wrong = thrown<StoreUnavailable>([&] { draw(*redisStore(redis.address(), options)); });
    BOOST_CHECK(contains(wrong->what(), "does not take the user name or password"));
    BOOST_CHECK(!contains(wrong->displayText(), "s3cret"));

    const auto none = thrown<StoreUnavailable>([&] { draw(*redisStore(redis.address(), patient(StoreFailure::Closed))); });
    BOOST_CHECK(contains(none->what(), "NOAUTH"));
}

BOOST_AUTO_TEST_CASE(a_user_of_its_own_may_be_given)
{
    const RedisServer redis;
    BOOST_CHECK_EQUAL(redis.command("ACL SETUSER quota on '>its-own-password' '~tollgate:*' +@all"), "OK\n");
    RedisStoreOptions options = patient(StoreFailure::Closed);
    options.user = "quota";
    options.password = Secret("its-own-password");
    BOOST_CHECK_EQUAL(draw(*redisStore(redis.address(), options)), 1U);
    options.prefix = "elsewhere";
    BOOST_CHECK(contains(thrown<StoreUnavailable>([&] { draw(*redisStore(redis.address(), options)); })->what(), "NOPERM"));
}

BOOST_AUTO_TEST_CASE(nobody_at_the_address_is_lived_through_as_told)
{
    RedisStoreOptions options = patient();
    options.processes = 4;
    const QuotaStorePtr safe = redisStore("127.0.0.1:1", options);
    draw(*safe);
    BOOST_CHECK_EQUAL(drawn(*safe), 5U);
    BOOST_CHECK(contains(safe->trouble(), "cannot be reached"));
    BOOST_CHECK(safe->namingKey().empty());

    const QuotaStorePtr open = redisStore("127.0.0.1:1", patient(StoreFailure::Open));
    draw(*open);
    BOOST_CHECK_EQUAL(drawn(*open), 1U);

    const QuotaStorePtr closed = redisStore("unix:/nowhere/redis.sock", patient(StoreFailure::Closed));
    const auto refused = thrown<StoreUnavailable>([&] { draw(*closed); });
    BOOST_CHECK(contains(refused->what(), "/nowhere/redis.sock cannot be reached"));
    BOOST_CHECK(refused->delivery() == Delivery::NotSent);
}

BOOST_AUTO_TEST_CASE(a_frozen_server_costs_three_timeouts_and_no_more)
{
    RedisServer redis;
    RedisStoreOptions options = patient();
    options.commandTimeout = 500ms;
    options.pauseAfterFailures = 60s;
    const QuotaStorePtr store = redisStore(redis.address(), options);
    draw(*store);
    redis.freeze();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) draw(*store);
    const auto took = std::chrono::steady_clock::now() - begin;
    BOOST_CHECK(contains(store->trouble(), "does not answer within 500 ms"));
    BOOST_CHECK(took >= 1500ms);
    BOOST_CHECK(took < 15s);
    BOOST_CHECK_EQUAL(drawn(*store), 201U);
    redis.thaw();
}

BOOST_AUTO_TEST_CASE(it_recovers_by_itself_after_a_freeze_and_brings_home_what_it_counted)
{
    RedisServer redis;
    RedisStoreOptions options = patient();
    options.commandTimeout = 500ms;
    const QuotaStorePtr store = redisStore(redis.address(), options);
    draw(*store);
    redis.freeze();
    draw(*store);
    draw(*store);
    BOOST_CHECK(!store->trouble().empty());
    redis.thaw();
    const unsigned more = drawUntilWell(*store);
    const std::uint64_t home = drawn(*redisStore(redis.address(), patient()));
    BOOST_CHECK_GE(home, 3U + more);
    if (more == 1) BOOST_CHECK_EQUAL(home, 4U); // else a write whose answer came too late may count twice
}

BOOST_AUTO_TEST_CASE(a_server_that_was_killed_and_knows_nothing_is_told_again)
{
    RedisServer redis;
    const QuotaStorePtr one = redisStore(redis.address(), patient());
    const QuotaStorePtr other = redisStore(redis.address(), patient());
    const Secret name = one->namingKey();
    draw(*one);
    draw(*other);
    redis.kill();
    draw(*one);
    BOOST_CHECK_EQUAL(drawn(*one), 1U + 1U); // alone, as far as it knew
    redis.start();
    const unsigned more = drawUntilWell(*one) + drawUntilWell(*other);
    BOOST_CHECK_GE(drawn(*one), 3U + more); // those drawn in the careful time weigh more
    BOOST_CHECK(redisStore(redis.address(), patient())->namingKey() == name);
    BOOST_CHECK_EQUAL(drawn(*other), drawn(*one));
}

BOOST_AUTO_TEST_CASE(emptied_or_with_its_scripts_flushed_it_loses_nothing)
{
    RedisServer redis;
    const QuotaStorePtr one = redisStore(redis.address(), patient());
    const QuotaStorePtr other = redisStore(redis.address(), patient());
    const Secret name = one->namingKey();
    draw(*one);
    draw(*other);
    BOOST_CHECK_EQUAL(redis.command("SCRIPT FLUSH"), "OK\n");
    BOOST_CHECK_EQUAL(drawn(*one), 2U);
    BOOST_CHECK_EQUAL(redis.command("FLUSHALL"), "OK\n");
    BOOST_CHECK_GE(drawn(*other), 2U);  // it saw both, and presumes that there was more
    BOOST_CHECK_EQUAL(drawn(*one), 2U); // now all is known
    BOOST_CHECK_EQUAL(drawn(*other), 2U);
    BOOST_CHECK(one->trouble().empty());
    BOOST_CHECK(redisStore(redis.address(), patient())->namingKey() == name);
}

BOOST_AUTO_TEST_CASE(a_server_without_memory_is_lived_through)
{
    RedisServer redis;
    const QuotaStorePtr store = redisStore(redis.address(), patient());
    draw(*store);
    BOOST_CHECK_EQUAL(redis.command("CONFIG SET maxmemory 1"), "OK\n");
    draw(*store);
    BOOST_CHECK(contains(store->trouble(), "OOM"));
    BOOST_CHECK_EQUAL(drawn(*store), 2U);
    BOOST_CHECK_EQUAL(redis.command("CONFIG SET maxmemory 0"), "OK\n");
    drawUntilWell(*store);
    BOOST_CHECK_GE(drawn(*redisStore(redis.address(), patient())), 3U);
}

BOOST_AUTO_TEST_CASE(a_spoiled_document_is_put_aside)
{
    RedisServer redis;
    const QuotaStorePtr store = redisStore(redis.address(), patient());
    draw(*store);
    redis.command("SET 'tollgate:{https://api.example.com:someone}' garbage");
    BOOST_CHECK_GT(draw(*store), 1U);
    BOOST_CHECK(contains(store->trouble(), "put aside"));
    BOOST_CHECK_EQUAL(redis.command("GET 'tollgate:{https://api.example.com:someone}:spoiled'"), "garbage\n");
    BOOST_CHECK_EQUAL(drawn(*redisStore(redis.address(), patient())), 2U);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_no_document_is_left_alone)
{
    RedisServer redis;
    redis.command("LPUSH 'tollgate:{https://api.example.com:someone}' x");
    const QuotaStorePtr store = redisStore(redis.address(), patient());
    draw(*store);
    BOOST_CHECK(contains(store->trouble(), "WRONGTYPE"));
    BOOST_CHECK_EQUAL(redis.command("LLEN 'tollgate:{https://api.example.com:someone}'"), "1\n");
}

BOOST_AUTO_TEST_CASE(a_connection_that_was_cut_is_made_anew)
{
    RedisServer redis;
    const QuotaStorePtr store = redisStore(redis.address(), patient());
    draw(*store);
    redis.command("CLIENT KILL TYPE normal");
    drawUntilWell(*store);
    BOOST_CHECK_GE(drawn(*redisStore(redis.address(), patient())), 2U);
}

BOOST_AUTO_TEST_CASE(a_forked_child_counts_on_with_its_parent)
{
    const RedisServer redis;
    const QuotaStorePtr store = redisStore(redis.address(), patient());
    draw(*store);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(draw(*store) == 2 && store->trouble().empty() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    BOOST_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    BOOST_CHECK_EQUAL(draw(*store), 3U); // on a connection that the child did not disturb
    BOOST_CHECK(store->trouble().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate
