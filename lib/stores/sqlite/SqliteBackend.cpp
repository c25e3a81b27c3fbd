#include "stores/sqlite/SqliteBackend.h"

#include "tollgate/Error.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <random>
#include <utility>

namespace tollgate::stores {

namespace {

constexpr auto namingKeyName = "naming key";
constexpr std::size_t namingKeySize = 32;
constexpr std::int64_t tidyEvery = 600;     ///< seconds
constexpr std::int64_t wrongClock = 86'400; ///< a calendar that is so far off must not make us forget

/// The machine's monotonic clock means the same in all processes of one boot that share a time namespace.
std::string systemDomain()
{
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
    if (boot.empty()) return "process " + std::to_string(std::random_device{}());
    std::array<char, 64> target{};
    const ssize_t size = ::readlink("/proc/self/ns/time", target.data(), target.size());
    return "boot " + boot + ' ' + std::string(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
}

} // namespace

SqliteBackend::SqliteBackend(const std::string& path, std::chrono::milliseconds busyTimeout, std::shared_ptr<Clock> clock)
    : _file(path)
    , _busyTimeout(busyTimeout)
    , _clock(std::move(clock))
    , _process(::getpid())
{
    transport::Watch watch(never, {});
    connection(watch);
}

std::string SqliteBackend::domain() const
{
    if (_clock == Clock::system()) return systemDomain();
    return "virtual " + std::to_string(::getpid()) + ' ' + std::to_string(reinterpret_cast<std::uintptr_t>(_clock.get()));
}

std::int64_t SqliteBackend::calendarSeconds() const
{
    return std::chrono::duration_cast<std::chrono::seconds>(_clock->wallNow().time_since_epoch()).count();
}

SqliteConnection& SqliteBackend::connection(transport::Watch& watch)
{
    if (_process != ::getpid()) {
        SqliteConnection::abandon(std::move(_connection));
        throw BackendFailure(describe() + " cannot be used in a process that was split off without fork()");
    }
    if (_connection && !_connection->isCurrent()) _connection.reset();
    if (!_connection) _connection = std::make_unique<SqliteConnection>(_file, _busyTimeout, watch);
    return *_connection;
}

template <class Work>
void SqliteBackend::inTransaction(transport::Watch& watch, const Work& work)
{
    SqliteConnection& database = connection(watch);
    bool begun = false;
    _editing = false;
    try {
        database.begin(watch);
        begun = true;
        work(database);
        database.commit();
    } catch (const Error&) { // of the watch or the edit
        if (begun) database.rollback();
        throw;
    } catch (const std::exception& problem) {
        if (begun) database.rollback();
        if (_editing) throw;
        const auto* known = dynamic_cast<const Poco::Exception*>(&problem);
        const std::string why = describe() + " fails: " + (known ? inPlainWords(*known) : problem.what());
        _connection.reset();
        throw BackendFailure(why);
    } catch (...) {
        if (begun) database.rollback();
        throw;
    }
}

void SqliteBackend::transact(const QuotaKey& key, const Edit& edit, transport::Watch& watch)
{
    bool durable = false;
    inTransaction(watch, [&](SqliteConnection& database) {
        const std::string_view bytes = database.read(key.text());
        _editing = true;
        // The clock is read under the lock: waiting for it may have taken long.
        const Edited edited = edit(bytes, _clock->now());
        _editing = false;
        if (!edited.spoiled.empty()) database.putAside(key.text(), edited.spoiled);
        if (!edited.write) return;
        const std::int64_t seconds = calendarSeconds();
        const auto keepFor = std::chrono::duration_cast<std::chrono::seconds>(edited.keepFor).count();
        database.write(key.text(), edited.bytes, seconds + keepFor + wrongClock);
        if (seconds - _tidied >= tidyEvery) {
            database.forget(seconds);
            _tidied = seconds;
        }
        durable = edited.durable;
    });
    _owesSync = _owesSync || durable;
    if (_owesSync) sync(watch);
}

/// What is to be synced is committed, so nobody hears of a failure: the next use will tell what is wrong.
void SqliteBackend::sync(transport::Watch& watch)
{
    try {
        _connection->sync(watch);
        _owesSync = false;
    } catch (const Error&) { // NOLINT(bugprone-empty-catch): no time left for it; the next use does it
    } catch (const Poco::Exception&) {
        _connection.reset();
    }
}

Secret SqliteBackend::namingKey(const Secret& proposal, transport::Watch& watch)
{
    Secret key;
    inTransaction(watch, [&](SqliteConnection& database) {
        std::string known = database.setting(namingKeyName);
        if (known.size() != namingKeySize) {
            database.set(namingKeyName, proposal.expose());
            known = proposal.expose();
        }
        key = Secret(known);
    });
    return key;
}

} // namespace tollgate::stores
