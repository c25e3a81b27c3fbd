#pragma once

#include "stores/sqlite/SqliteFile.h"

#include <Poco/Data/LOB.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <Poco/Exception.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::stores {

/// One open database: the tables of a store, and the statements that it is used by. All calls throw Poco::Exception, which
/// inPlainWords() explains; those that may wait, what the watch throws as well.
class SqliteConnection
{
public:
    /// Makes the file and the tables if they are not there. Throws SqliteProblem, and what the watch throws.
    SqliteConnection(const SqliteFile& file, std::chrono::milliseconds busyTimeout, transport::Watch& watch);
    /// Closes it, unless another file lies there by now: closing would remove that one's log.
    ~SqliteConnection();
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    /// Whether the name still leads to the file that is open here.
    bool isCurrent() const noexcept { return _file.identity() == _identity; }

    /// Takes the write lock at once: Session::begin() would take it at the first write, and then fail instead of waiting. Nothing
    /// waits behind it any more.
    void begin(transport::Watch& watch);
    void commit();
    void rollback() noexcept;

    std::string_view read(const std::string& key);
    /// `keepUntil` in seconds of the calendar.
    void write(const std::string& key, std::string_view document, std::int64_t keepUntil);
    void putAside(const std::string& key, std::string_view document);
    void forget(std::int64_t now);
    /// Writes through to the disk what was committed before.
    void sync(transport::Watch& watch);

    std::string setting(const std::string& name);
    void set(const std::string& name, std::string_view value);
    std::vector<std::string> keys();

    /// Leaves it as it is, for ever: in a forked child it is the parent's.
    static void abandon(std::unique_ptr<SqliteConnection> connection);

private:
    struct Open;
    /// Runs it again while another process has the lock it needs: at most for the busy time-out, and under the watch.
    template <class Work>
    void whenFree(transport::Watch& watch, const Work& work);
    void prepare();
    void makeTables();

    const SqliteFile& _file;
    const std::chrono::milliseconds _busyTimeout;
    SqliteFile::Identity _identity;
    std::unique_ptr<Open> _open;
};

/// What the database says, for people: without SQL.
std::string inPlainWords(const Poco::Exception& problem);

} // namespace tollgate::stores
