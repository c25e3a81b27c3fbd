#include "stores/sqlite/SqliteFile.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

namespace tollgate::stores {

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// Like mkdir -p, each new folder for its owner alone.
int makeFolders(const std::filesystem::path& folder)
{
    if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return 0;
    if (errno != ENOENT || !folder.has_relative_path()) return errno;
    if (const int error = makeFolders(folder.parent_path())) return error;
    return ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

} // namespace

SqliteFile::SqliteFile(const std::string& path)
{
    if (path.empty())
        throw SqliteProblem("no path was given for the quota store", "Name a file, such as /var/lib/myapp/quota.db.");
    std::error_code error;
    // Absolute, so that a change of the working directory does not matter, and no name is taken for a URI or for :memory:.
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (error) throw SqliteProblem("the current folder cannot be found: " + error.message(), "Give an absolute path.");
    _path = absolute.lexically_normal().string();
}

std::string SqliteFile::folder() const { return std::filesystem::path(_path).parent_path().string(); }

bool SqliteFile::exists() const noexcept { return !(identity() == Identity{}); }

SqliteFile::Identity SqliteFile::identity() const noexcept
{
    struct stat status = {};
    if (::stat(_path.c_str(), &status) != 0) return {};
    return {status.st_dev, status.st_ino};
}

void SqliteFile::makeFolder() const
{
    if (const int error = makeFolders(folder()))
        throw SqliteProblem("the folder of " + describe() + " cannot be made: " + reason(error),
                            "Make " + folder() + " yourself, writable for this program, or choose another place.");
}

void SqliteFile::make() const
{
    struct stat status = {};
    if (::stat(_path.c_str(), &status) == 0) {
        constexpr off_t smallestDatabase =
            512; // an empty file becomes one; of anything else SQLite would overwrite what is there
        if (S_ISREG(status.st_mode) && status.st_size > 0 && status.st_size < smallestDatabase)
            throw SqliteProblem(describe() + " is no SQLite database", "Choose another path.");
        if (S_ISREG(status.st_mode)) return;
        throw SqliteProblem(describe() + (S_ISDIR(status.st_mode) ? " is a folder" : " is not a file"),
                            "Give the path of a file; it is made if it is not there.");
    }
    if (errno != ENOENT)
        throw SqliteProblem(describe() + " cannot be looked at: " + reason(errno),
                            "Check the path and the rights on its folders.");

    // A log of a database that is gone would be taken for the new one's.
    for (const char* rest : {"-wal", "-shm", "-journal"}) ::unlink((_path + rest).c_str());
    if (::mknod(_path.c_str(), S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        throw SqliteProblem(describe() + " cannot be made: " + reason(errno),
                            "The folder must be writable for this program; or choose another place.");
}

OpeningLock::OpeningLock(const SqliteFile& file, std::chrono::milliseconds patience, const transport::Watch& watch)
{
    _folder = ::open(file.folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (_folder < 0) return;
    const auto until = std::chrono::steady_clock::now() + patience;
    try {
        while (::flock(_folder, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) return; // a file system without locks: SQLite will say so
            watch.check(transport::Phase::Store);
            if (std::chrono::steady_clock::now() >= until)
                throw SqliteProblem(file.describe() + " is being opened by another process, which does not get done with it",
                                    "Look for a stopped process that uses this file.");
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    } catch (...) {
        ::close(_folder);
        throw;
    }
}

OpeningLock::~OpeningLock()
{
    if (_folder >= 0) ::close(_folder);
}

} // namespace tollgate::stores
