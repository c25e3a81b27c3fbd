#pragma once

#include "stores/Backend.h"
#include "transport/Wait.h"

#include <sys/types.h>

#include <chrono>
#include <string>

namespace tollgate::stores {

/// The store cannot be opened: what is wrong, and what to do about it.
class SqliteProblem : public BackendFailure
{
public:
    SqliteProblem(const std::string& message, std::string hint) : BackendFailure(message), _hint(std::move(hint)) {}
    const std::string& hint() const noexcept { return _hint; }

private:
    std::string _hint;
};

/// The database file as the file system sees it. SQLite's locks go when any descriptor of the file is closed, so it is never
/// opened here: only looked at, and made.
class SqliteFile
{
public:
    /// Throws SqliteProblem if the path is empty.
    explicit SqliteFile(const std::string& path);

    const std::string& path() const noexcept { return _path; }
    /// "the quota store /var/lib/x/quota.db".
    std::string describe() const { return "the quota store " + _path; }

    bool exists() const noexcept;

    /// Which file it is: another one may lie there later under the same name.
    struct Identity
    {
        dev_t device = 0;
        ino_t inode = 0;
        friend bool operator==(const Identity& a, const Identity& b) { return a.device == b.device && a.inode == b.inode; }
    };
    /// All zero if there is none.
    Identity identity() const noexcept;

    /// Makes the folder (0700) and the file (0600) unless they are there, and clears away what an earlier database of that name
    /// left. Throws SqliteProblem. To be called under OpeningLock.
    void make() const;

    /// Makes the folder alone.
    void makeFolder() const;
    std::string folder() const;

private:
    std::string _path;
};

/// Only one process at a time makes or opens a store: a lock on its folder.
class OpeningLock
{
public:
    /// Waits at most so long, then throws SqliteProblem. A folder that cannot be read is not locked.
    OpeningLock(const SqliteFile& file, std::chrono::milliseconds patience, const transport::Watch& watch);
    ~OpeningLock();
    OpeningLock(const OpeningLock&) = delete;
    OpeningLock& operator=(const OpeningLock&) = delete;

private:
    int _folder = -1;
};

} // namespace tollgate::stores
