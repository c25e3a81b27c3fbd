#pragma once

#include "stores/Backend.h"
#include "stores/sqlite/SqliteConnection.h"
#include "stores/sqlite/SqliteFile.h"
#include "tollgate/Clock.h"

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

namespace tollgate::stores {

/// Documents in a SQLite file: one transaction an edit, one connection a process.
class SqliteBackend final : public Backend
{
public:
    /// Opens it. Throws SqliteProblem.
    SqliteBackend(const std::string& path, std::chrono::milliseconds busyTimeout, std::shared_ptr<Clock> clock);

    void transact(const QuotaKey& key, const Edit& edit, transport::Watch& watch) override;
    Secret namingKey(const Secret& proposal, transport::Watch& watch) override;
    Duration patience() const override { return _busyTimeout; }
    bool isThere() noexcept override { return _connection ? _connection->isCurrent() : _file.exists(); }
    std::string domain() const override;
    std::string describe() const override { return _file.describe(); }
    /// SQLite must not be open in two processes that came of one: both would think that they hold its locks.
    void beforeFork() noexcept override { _connection.reset(); }
    void inForkedChild() noexcept override { _process = ::getpid(); }

private:
    SqliteConnection& connection(transport::Watch& watch);
    template <class Work>
    void inTransaction(transport::Watch& watch, const Work& work);
    void sync(transport::Watch& watch);
    std::int64_t calendarSeconds() const;

    const SqliteFile _file;
    const std::chrono::milliseconds _busyTimeout;
    const std::shared_ptr<Clock> _clock;
    std::unique_ptr<SqliteConnection> _connection;
    pid_t _process;
    bool _owesSync = false; ///< what was committed must yet be written through to the disk
    bool _editing = false;  ///< what is thrown now comes from the edit, not from the database
    std::int64_t _tidied = 0;
};

} // namespace tollgate::stores
