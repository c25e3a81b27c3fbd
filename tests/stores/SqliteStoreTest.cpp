#include "tollgate/stores/SqliteStore.h"
#include "stores/Counting.h"
#include "stores/Folder.h"
#include "tollgate/Error.h"
#include "tollgate/testing/VirtualClock.h"

#include <Poco/Data/SQLite/SessionImpl.h>
#include <Poco/Data/Session.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace tollgate {

namespace {

using namespace std::chrono_literals;
using testing::draw;
using testing::drawn;
using testing::Folder;
using testing::someKey;

/// Waits for its turn as long as a busy machine may need: then the store would count for itself.
SqliteStoreOptions patient()
{
    SqliteStoreOptions options;
    options.busyTimeout = 20s;
    return options;
}

mode_t modeOf(const std::string& path)
{
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
}

void sql(const std::string& path, const std::string& statement)
{
    using Poco::Data::Keywords::now;
    Poco::Data::Session session(Poco::AutoPtr<Poco::Data::SessionImpl>(new Poco::Data::SQLite::SessionImpl(path, 0)));
    session << statement, now;
}

/// Runs it in a forked child; answers what it returns, 255 for a signal or an exception.
int inChild(const std::function<int()>& work)
{
    const pid_t child = ::fork();
    if (child == 0) {
        int result = 255;
        try {
            result = work();
        } catch (...) { // NOLINT(bugprone-empty-catch): told by the result
        }
        ::_exit(result);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

} // namespace

BOOST_AUTO_TEST_SUITE(SqliteStoreTest)

BOOST_AUTO_TEST_CASE(what_one_store_counts_another_one_sees)
{
    const Folder folder;
    const QuotaStorePtr one = sqliteStore(folder / "quota.db");
    const QuotaStorePtr other = sqliteStore(folder / "quota.db");
    BOOST_CHECK_EQUAL(draw(*one), 1U);
    BOOST_CHECK_EQUAL(draw(*other), 2U);
    BOOST_CHECK_EQUAL(draw(*one), 3U);
    BOOST_CHECK_EQUAL(drawn(*other), 3U);
    BOOST_CHECK_EQUAL(drawn(*other, QuotaKey("https://api.example.com", "someone else")), 0U);
    BOOST_CHECK(one->trouble().empty());
}

BOOST_AUTO_TEST_CASE(it_is_kept_over_a_restart)
{
    const Folder folder;
    Secret name;
    {
        const QuotaStorePtr store = sqliteStore(folder / "quota.db");
        draw(*store);
        name = store->namingKey();
    }
    const QuotaStorePtr store = sqliteStore(folder / "quota.db");
    BOOST_CHECK_EQUAL(drawn(*store), 1U);
    BOOST_CHECK_EQUAL(name.expose().size(), 32U);
    BOOST_CHECK(store->namingKey() == name);
}

BOOST_AUTO_TEST_CASE(folders_and_files_are_for_their_owner_alone)
{
    const Folder folder;
    const mode_t before = ::umask(0);
    const QuotaStorePtr store = sqliteStore(folder / "a/b/quota.db");
    draw(*store);
    ::umask(before);
    BOOST_CHECK_EQUAL(modeOf(folder / "a"), 0700U);
    BOOST_CHECK_EQUAL(modeOf(folder / "a/b"), 0700U);
    for (const char* name : {"quota.db", "quota.db-wal", "quota.db-shm"})
        BOOST_CHECK_EQUAL(modeOf(folder / ("a/b/" + std::string(name))), 0600U);
}

BOOST_AUTO_TEST_CASE(accounts_are_listed)
{
    const Folder folder;
    BOOST_CHECK(sqliteAccounts(folder / "quota.db").empty());
    BOOST_CHECK_EQUAL(modeOf(folder / "quota.db"), 0U); // not made
    const QuotaStorePtr store = sqliteStore(folder / "quota.db");
    draw(*store, QuotaKey("https://b", "2"));
    draw(*store, QuotaKey("https://a", "9"));
    draw(*store, QuotaKey("https://b", "1"));
    const std::vector<QuotaKey> accounts = sqliteAccounts(folder / "quota.db");
    BOOST_REQUIRE_EQUAL(accounts.size(), 3U);
    BOOST_CHECK_EQUAL(accounts[0].realm(), "https://a");
    BOOST_CHECK_EQUAL(accounts[0].principal(), "9");
    BOOST_CHECK_EQUAL(accounts[1].text(), "https://b\n1");
    BOOST_CHECK_EQUAL(accounts[2].text(), "https://b\n2");
}

BOOST_AUTO_TEST_CASE(a_look_writes_nothing)
{
    const Folder folder;
    const QuotaStorePtr store = sqliteStore(folder / "quota.db");
    BOOST_CHECK_EQUAL(drawn(*store), 0U);
    BOOST_CHECK(sqliteAccounts(folder / "quota.db").empty());
}

BOOST_AUTO_TEST_CASE(what_the_function_throws_comes_through_and_changes_nothing)
{
    const Folder folder;
    const QuotaStorePtr store = sqliteStore(folder / "quota.db");
    draw(*store);
    const auto fail = [&](const std::function<void()>& how) {
        store->update(someKey(), [&](QuotaState& state, TimePoint) {
            state.lastPermit = 99;
            how();
        });
    };
    BOOST_CHECK_THROW(fail([] { throw std::bad_alloc(); }), std::bad_alloc);
    BOOST_CHECK_THROW(fail([] { throw Cancelled("no", "none"); }), Cancelled);
    BOOST_CHECK_THROW(fail([] { throw 7; }), int);
    BOOST_CHECK_EQUAL(draw(*store), 2U);
    BOOST_CHECK(store->trouble().empty());
}

BOOST_AUTO_TEST_CASE(threads_count_together)
{
    const Folder folder;
    const QuotaStorePtr one = sqliteStore(folder / "quota.db", patient());
    const QuotaStorePtr other = sqliteStore(folder / "quota.db", patient());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            for (int n = 0; n < 50; ++n) draw(i % 2 == 0 ? *one : *other);
        });
    for (std::thread& thread : threads) thread.join();
    BOOST_CHECK_EQUAL(drawn(*one), 200U);
}

BOOST_AUTO_TEST_CASE(a_virtual_clock_tells_the_time)
{
    const Folder folder;
    const auto clock = testing::VirtualClock::create();
    SqliteStoreOptions options;
    options.clock = clock;
    const QuotaStorePtr store = sqliteStore(folder / "quota.db", options);
    draw(*store);
    BOOST_CHECK_EQUAL(drawn(*store), 1U);
    clock->advance(61s);
    BOOST_CHECK_EQUAL(drawn(*store), 0U);
    // Another clock is like another boot: the calendar says what passed, and two seconds are for its errors.
    draw(*store);
    SqliteStoreOptions later;
    later.clock = testing::VirtualClock::create();
    TimePoint release{};
    TimePoint now{};
    sqliteStore(folder / "quota.db", later)->update(someKey(), [&](QuotaState& state, TimePoint time) {
        release = state.limits["|60"].cooling.back().release;
        now = time;
    });
    const Duration passed = std::max<Duration>(0s, later.clock->wallNow() - clock->wallNow());
    BOOST_CHECK(release - now <= 62s - passed + 1s);
    BOOST_CHECK(release - now >= 62s - passed - 1s);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_store_is_refused_at_once)
{
    const Folder folder;
    write(folder / "text", std::string(5'000, 'x'));
    write(folder / "short", "x");
    sql(folder / "other.db", "CREATE TABLE customers (name TEXT)");
    sqliteStore(folder / "newer.db");
    sql(folder / "newer.db", "PRAGMA user_version = 2");

    const auto message = [&](const std::string& path) -> std::string {
        try {
            sqliteStore(path);
        } catch (const ConfigurationError& error) {
            BOOST_CHECK(!error.hint().empty());
            return error.what();
        }
        return "it was opened";
    };
    const auto says = [&](const std::string& path, const std::string& part) {
        const std::string text = message(path);
        BOOST_CHECK_MESSAGE(text.find(part) != std::string::npos, text);
    };
    says("", "No path");
    says(folder.path().string(), "is a folder");
    says(folder / "text", "is no SQLite database");
    says(folder / "short", "is no SQLite database");
    says(folder / "text/quota.db", "Not a directory");
    says(folder / "other.db", "another program");
    says(folder / "newer.db", "newer version");
    says("/dev/null", "is not a file");
    says("/proc/nothing/quota.db", "cannot be made");
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_be_written_is_refused_at_once)
{
    const Folder folder;
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    sqliteStore(folder / "quota.db");
    ::chmod((folder / "quota.db").c_str(), 0444);
    // Root may write everything, so a child becomes somebody else.
    const int result = inChild([&] {
        if (::getuid() == 0 && ::setuid(65534) != 0) return 2;
        try {
            sqliteStore(folder / "quota.db");
        } catch (const ConfigurationError& error) {
            return std::string(error.what()).find("may not be written") != std::string::npos ? 0 : 3;
        }
        return 4;
    });
    BOOST_CHECK_EQUAL(result, 0);
}

BOOST_AUTO_TEST_CASE(a_folder_that_may_not_be_written_is_refused_at_once)
{
    const Folder folder;
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
    const int result = inChild([&] {
        if (::getuid() == 0 && ::setuid(65534) != 0) return 2;
        try {
            sqliteStore(folder / "quota.db");
        } catch (const ConfigurationError& error) {
            return std::string(error.what()).find("cannot be made: Permission denied") != std::string::npos ? 0 : 3;
        }
        return 4;
    });
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    BOOST_CHECK_EQUAL(result, 0);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_lived_through)
{
    const Folder folder;
    const int result = inChild([&] {
        const QuotaStorePtr store = sqliteStore(folder / "quota.db");
        draw(*store);
        ::signal(SIGXFSZ, SIG_IGN);
        struct rlimit before = {};
        ::getrlimit(RLIMIT_FSIZE, &before);
        struct rlimit full = before;
        full.rlim_cur = 1'000;
        ::setrlimit(RLIMIT_FSIZE, &full);
        for (int i = 0; i < 20; ++i) draw(*store);
        BOOST_TEST_MESSAGE("a full disk: " << store->trouble());
        if (store->trouble().find("disk") == std::string::npos) return 2;
        if (drawn(*store) != 21) return 3;
        ::setrlimit(RLIMIT_FSIZE, &before);
        std::this_thread::sleep_for(1'100ms); // the pause after failures
        draw(*store);
        if (!store->trouble().empty()) return 4;
        return drawn(*sqliteStore(folder / "quota.db")) == 22 ? 0 : 5;
    });
    BOOST_CHECK_EQUAL(result, 0);
}

BOOST_AUTO_TEST_CASE(a_deleted_file_is_made_anew_with_what_is_known)
{
    const Folder folder;
    const QuotaStorePtr one = sqliteStore(folder / "quota.db");
    const QuotaStorePtr other = sqliteStore(folder / "quota.db");
    const Secret name = one->namingKey();
    draw(*one);
    draw(*other);
    std::filesystem::remove(folder / "quota.db");
    draw(*one); // from now on there are two who must find each other again
    draw(*other);
    BOOST_CHECK_GE(drawn(*one), 4U); // those drawn before all was known weigh more
    BOOST_CHECK_EQUAL(drawn(*other), drawn(*one));
    BOOST_CHECK_EQUAL(drawn(*sqliteStore(folder / "quota.db")), drawn(*one));
    BOOST_CHECK(sqliteStore(folder / "quota.db")->namingKey() == name);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_spoiled_meanwhile_is_lived_through)
{
    const Folder folder;
    const QuotaStorePtr store = sqliteStore(folder / "quota.db");
    draw(*store);
    for (const char* file : {"quota.db", "quota.db-wal", "quota.db-shm"}) std::filesystem::remove(folder / file);
    write(folder / "quota.db", std::string(5'000, 'x'));
    draw(*store);
    BOOST_CHECK(store->trouble().find("is no SQLite database") != std::string::npos);
    BOOST_CHECK_EQUAL(drawn(*store), 2U);
    std::filesystem::remove(folder / "quota.db");
    std::this_thread::sleep_for(1'100ms); // the pause after failures
    draw(*store);
    BOOST_CHECK(store->trouble().empty());
    BOOST_CHECK_EQUAL(drawn(*sqliteStore(folder / "quota.db")), 3U);
}

BOOST_AUTO_TEST_CASE(a_spoiled_document_is_put_aside)
{
    const Folder folder;
    const QuotaStorePtr store = sqliteStore(folder / "quota.db");
    draw(*store);
    const QuotaKey stranger("https://b", "nobody here knows it");
    draw(*sqliteStore(folder / "quota.db"), stranger);
    sql(folder / "quota.db", "UPDATE account SET document = x'0102030405'");
    BOOST_CHECK_EQUAL(drawn(*store), 1U); // as we knew it
    BOOST_CHECK(store->trouble().find("put aside") != std::string::npos);
    BOOST_CHECK_EQUAL(drawn(*store, stranger), 0U);
    const QuotaStorePtr other = sqliteStore(folder / "quota.db");
    BOOST_CHECK_EQUAL(drawn(*other), 1U);
    draw(*store);
    using namespace Poco::Data::Keywords;
    Poco::Data::Session session(
        Poco::AutoPtr<Poco::Data::SessionImpl>(new Poco::Data::SQLite::SessionImpl(folder / "quota.db", 0)));
    int kept = 0;
    session << "SELECT count(*) FROM spoiled WHERE document = x'0102030405'", into(kept), Poco::Data::Keywords::now;
    BOOST_CHECK_EQUAL(kept, 2);
}

BOOST_AUTO_TEST_CASE(a_forked_child_counts_on_with_its_parent)
{
    const Folder folder;
    const QuotaStorePtr store = sqliteStore(folder / "quota.db");
    draw(*store);
    BOOST_CHECK_EQUAL(inChild([&] { return draw(*store) == 2 ? 0 : 1; }), 0);
    BOOST_CHECK_EQUAL(draw(*store), 3U);
    BOOST_CHECK_EQUAL(drawn(*sqliteStore(folder / "quota.db")), 3U);
}

BOOST_AUTO_TEST_CASE(a_parent_that_ends_leaves_its_child_a_whole_store)
{
    // As a daemon is started: SQLite's locks are the process's, so the child must not believe that it has them.
    const Folder folder;
    QuotaStorePtr store = sqliteStore(folder / "quota.db", patient());
    draw(*store);
    int go[2];
    BOOST_REQUIRE_EQUAL(::pipe(go), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(go[1]); // so that it does not outlive a parent that gives up
        draw(*store);
        char byte = 0;
        const bool told = ::read(go[0], &byte, 1) == 1;
        for (int i = 0; i < 10; ++i) draw(*store);
        ::_exit(told && store->trouble().empty() ? 0 : 1);
    }
    for (int i = 0; i < 2'000 && drawn(*store) < 2; ++i) std::this_thread::sleep_for(10ms);
    BOOST_REQUIRE_EQUAL(drawn(*store), 2U);
    store.reset();
    const QuotaStorePtr third = sqliteStore(folder / "quota.db", patient());
    draw(*third);
    BOOST_REQUIRE_EQUAL(::write(go[1], "x", 1), 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(go[0]);
    ::close(go[1]);
    BOOST_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    BOOST_CHECK_EQUAL(drawn(*third), 13U);
    BOOST_CHECK_EQUAL(drawn(*sqliteStore(folder / "quota.db")), 13U);
}

BOOST_AUTO_TEST_CASE(a_fork_amid_the_work_of_other_threads_hangs_nobody)
{
    const Folder folder;
    const QuotaStorePtr store = sqliteStore(folder / "quota.db", patient());
    std::atomic<bool> stop{false};
    std::atomic<unsigned> draws{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            while (!stop) {
                draw(*store);
                ++draws;
                std::this_thread::sleep_for(std::chrono::milliseconds(2)); // or a child would hardly find the file free
            }
        });
    unsigned failed = 0;
    for (int i = 0; i < 20; ++i) failed += inChild([&] { return draw(*store) > 0 ? 0 : 1; }) != 0;
    stop = true;
    for (std::thread& thread : threads) thread.join();
    BOOST_CHECK_EQUAL(failed, 0U);
    BOOST_CHECK_EQUAL(store->trouble(), "");
    BOOST_CHECK_EQUAL(draw(*store), draws + 21U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate
