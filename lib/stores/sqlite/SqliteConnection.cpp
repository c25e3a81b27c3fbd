#include "stores/sqlite/SqliteConnection.h"

#include "tollgate/Error.h"

#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/SQLite/SessionImpl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tollgate::stores {

using namespace Poco::Data::Keywords; // NOLINT(google-build-using-namespace): Poco::Data's use, into and now
namespace sqlite = Poco::Data::SQLite;

namespace {

constexpr int application = 0x746f6c6c; // "toll": tells a store from other programs' databases
constexpr int schema = 1;

Poco::Data::BLOB blob(std::string_view bytes) { return {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}; }

std::string_view view(const Poco::Data::BLOB& bytes) { return {reinterpret_cast<const char*>(bytes.rawContent()), bytes.size()}; }

int number(Poco::Data::Session& session, const char* pragma)
{
    int value = 0;
    session << pragma, into(value), now;
    return value;
}

/// Keeps what must never be closed reachable.
void keepForEver(void* open)
{
    static std::mutex& mutex = *new std::mutex;
    static auto& kept = *new std::vector<void*>;
    const std::lock_guard<std::mutex> lock(mutex);
    kept.push_back(open);
}

} // namespace

/// A session made from its implementation: Poco's session factory, which belongs to the whole process, is not touched. The
/// statements are compiled once.
struct SqliteConnection::Open
{
    explicit Open(const std::string& path)
        : session(Poco::AutoPtr<Poco::Data::SessionImpl>(new sqlite::SessionImpl(path, 0)))
        , beginning(session)
        , committing(session)
        , reading(session)
        , writing(session)
    {}

    void compile()
    {
        writeBeginning();
        committing << "COMMIT";
        reading << "SELECT document FROM account WHERE key = ?", into(found), use(key);
        writing << "INSERT INTO account (key, document, keep_until) VALUES (?, ?, ?) "
                   "ON CONFLICT (key) DO UPDATE SET document = excluded.document, keep_until = excluded.keep_until",
            use(key), use(document), use(keepUntil);
    }

    void writeBeginning() { beginning << "BEGIN IMMEDIATE"; }

    /// Poco's statement would do nothing, and say nothing, if it were run again after it failed.
    void begin()
    {
        try {
            beginning.execute();
        } catch (...) {
            beginning.reset(session);
            writeBeginning();
            throw;
        }
    }

    Poco::Data::Session session;
    std::string key;
    Poco::Data::BLOB found;
    Poco::Data::BLOB document;
    Poco::Int64 keepUntil = 0;
    Poco::Data::Statement beginning;
    Poco::Data::Statement committing;
    Poco::Data::Statement reading;
    Poco::Data::Statement writing;
};

SqliteConnection::SqliteConnection(const SqliteFile& file, std::chrono::milliseconds busyTimeout, transport::Watch& watch)
    : _file(file)
    , _busyTimeout(busyTimeout)
{
    file.makeFolder();
    const OpeningLock lock(file, busyTimeout, watch);
    file.make();
    _identity = file.identity();
    try {
        whenFree(watch, [this] { prepare(); });
    } catch (const sqlite::CorruptImageException&) {
        throw SqliteProblem(file.describe() + " is no SQLite database, or a damaged one",
                            "Choose another path, or move the file away: a new one is made then, and counting begins anew.");
    } catch (const sqlite::ReadOnlyException&) {
        throw SqliteProblem(
            file.describe() + " may not be written",
            "The file and its folder must be writable for this program, also for the files -wal and -shm beside it.");
    } catch (const sqlite::DatabaseFullException&) {
        throw SqliteProblem(file.describe() + " cannot be written: the disk is full", "Make room, or choose another place.");
    } catch (const Error&) { // of the watch
        throw;
    } catch (const Poco::Exception& problem) {
        throw SqliteProblem(file.describe() + " cannot be opened: " + inPlainWords(problem),
                            "The file and its folder must be readable and writable for this program, on a local disk.");
    }
}

SqliteConnection::~SqliteConnection()
{
    if (!isCurrent()) keepForEver(_open.release());
}

void SqliteConnection::abandon(std::unique_ptr<SqliteConnection> connection)
{
    if (connection) keepForEver(connection->_open.release());
}

template <class Work>
void SqliteConnection::whenFree(transport::Watch& watch, const Work& work)
{
    using std::chrono::milliseconds;
    using Steady = std::chrono::steady_clock;
    // As SQLite's own busy handler does, but that one sleeps deaf.
    constexpr std::array<milliseconds, 8> naps = {milliseconds(1),  milliseconds(2),  milliseconds(5),  milliseconds(10),
                                                  milliseconds(15), milliseconds(20), milliseconds(25), milliseconds(50)};
    TimePoint until{};
    for (std::size_t tries = 0;; ++tries) {
        try {
            return work();
        } catch (const sqlite::DBLockedException&) {
            if (tries == 0) until = Steady::now() + _busyTimeout;
            if (Steady::now() >= until) throw;
        }
        watch.waitUntil(-1, 0, std::min(until, Steady::now() + naps[std::min(tries, naps.size() - 1)]), transport::Phase::Store);
    }
}

void SqliteConnection::prepare()
{
    _open = std::make_unique<Open>(_file.path());
    Poco::Data::Session& session = _open->session;
    session << "PRAGMA trusted_schema = OFF", now;

    const int owner = number(session, "PRAGMA application_id");
    const int version = number(session, "PRAGMA user_version");
    const int tables = number(session, "SELECT count(*) FROM sqlite_master");
    if (owner != application && (owner != 0 || version != 0 || tables != 0))
        throw SqliteProblem(_file.describe() + " is a database of another program", "Choose another path.");
    if (version > schema)
        throw SqliteProblem(_file.describe() + " was made by a newer version of this library",
                            "Use that version, or choose another path.");

    std::string mode;
    session << "PRAGMA journal_mode = WAL", into(mode), now;
    if (mode != "wal")
        throw SqliteProblem(_file.describe() + " lies on a file system that cannot share it between processes",
                            "Choose a place on a local disk.");
    // Survives the end of any process; sync() is for what must survive a power cut.
    session << "PRAGMA synchronous = NORMAL", now;
    if (version < schema) makeTables();
    _open->compile();
    _open->begin(); // now, not at the first request, is the time to hear that it may not be written
    commit();
}

void SqliteConnection::makeTables()
{
    Poco::Data::Session& session = _open->session;
    session << "BEGIN IMMEDIATE", now;
    session << "CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL)", now;
    session << "CREATE TABLE account (key TEXT PRIMARY KEY, document BLOB NOT NULL, keep_until INTEGER NOT NULL)", now;
    session << "CREATE TABLE spoiled (key TEXT PRIMARY KEY, document BLOB NOT NULL)", now;
    session << "PRAGMA application_id = " + std::to_string(application), now;
    session << "PRAGMA user_version = " + std::to_string(schema), now;
    session << "COMMIT", now;
}

void SqliteConnection::begin(transport::Watch& watch)
{
    whenFree(watch, [this] { _open->begin(); });
}

void SqliteConnection::commit() { _open->committing.execute(); }

void SqliteConnection::rollback() noexcept
{
    try {
        _open->session << "ROLLBACK", now;
    } catch (...) { // NOLINT(bugprone-empty-catch): SQLite did it by itself, or the connection is useless anyway
    }
}

std::string_view SqliteConnection::read(const std::string& key)
{
    _open->key = key;
    if (_open->reading.execute() == 0) return {};
    return view(_open->found);
}

void SqliteConnection::write(const std::string& key, std::string_view document, std::int64_t keepUntil)
{
    _open->key = key;
    _open->document = blob(document);
    _open->keepUntil = keepUntil;
    _open->writing.execute();
}

void SqliteConnection::putAside(const std::string& key, std::string_view document)
{
    std::string name = key;
    Poco::Data::BLOB bytes = blob(document);
    _open->session << "INSERT OR REPLACE INTO spoiled (key, document) VALUES (?, ?)", use(name), use(bytes), now;
}

void SqliteConnection::forget(std::int64_t time)
{
    Poco::Int64 bound = time;
    _open->session << "DELETE FROM account WHERE keep_until < ?", use(bound), now;
}

void SqliteConnection::sync(transport::Watch& watch)
{
    Poco::Data::Session& session = _open->session;
    // A commit under FULL syncs the log, and with it all commits before.
    session << "PRAGMA synchronous = FULL", now;
    try {
        whenFree(watch, [this] { set("synced", "1"); });
    } catch (...) {
        session << "PRAGMA synchronous = NORMAL", now;
        throw;
    }
    session << "PRAGMA synchronous = NORMAL", now;
}

std::string SqliteConnection::setting(const std::string& name)
{
    std::string key = name;
    Poco::Data::BLOB value;
    Poco::Data::Statement statement(_open->session);
    statement << "SELECT value FROM setting WHERE name = ?", into(value), use(key);
    return statement.execute() == 0 ? std::string() : std::string(view(value));
}

void SqliteConnection::set(const std::string& name, std::string_view value)
{
    std::string key = name;
    Poco::Data::BLOB bytes = blob(value);
    _open->session << "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", use(key), use(bytes), now;
}

std::vector<std::string> SqliteConnection::keys()
{
    std::vector<std::string> all;
    _open->session << "SELECT key FROM account ORDER BY key", into(all), now;
    return all;
}

std::string inPlainWords(const Poco::Exception& problem)
{
    if (dynamic_cast<const sqlite::CorruptImageException*>(&problem)) return "it is damaged";
    if (dynamic_cast<const sqlite::ReadOnlyException*>(&problem)) return "it may not be written";
    if (dynamic_cast<const sqlite::DatabaseFullException*>(&problem)) return "the disk is full";
    if (dynamic_cast<const sqlite::DBLockedException*>(&problem)) return "another process keeps it locked";
    if (dynamic_cast<const sqlite::IOErrorException*>(&problem)) return "reading or writing the disk failed";
    if (dynamic_cast<const sqlite::CantOpenDBFileException*>(&problem)) return "the file cannot be opened";
    const std::string text = problem.message();
    return text.substr(0, text.find(": ")); // behind it stands the statement
}

} // namespace tollgate::stores
