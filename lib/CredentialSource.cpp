#include "tollgate/CredentialSource.h"

#include "ForkMutex.h"
#include "tollgate/Error.h"

#include <sys/stat.h>

#include <mutex>
#include <utility>

namespace tollgate {

namespace {

class FixedSource final : public CredentialSource
{
public:
    explicit FixedSource(Secret secret) : _secret(std::move(secret)) {}
    Secret current() override { return _secret; }
    std::string slot() const override { return {}; }

private:
    Secret _secret;
};

class EnvironmentSource final : public CredentialSource
{
public:
    explicit EnvironmentSource(std::string name) : _name(std::move(name)), _secret(Secret::fromEnvironment(_name)) {}

    Secret current() override
    {
        const std::lock_guard<ForkMutex> lock(_mutex);
        return _secret;
    }
    std::string slot() const override { return "environment variable " + _name; }
    void reload() override
    {
        Secret fresh = Secret::fromEnvironment(_name);
        const std::lock_guard<ForkMutex> lock(_mutex);
        _secret = std::move(fresh);
    }

private:
    std::string _name;
    ForkMutex _mutex;
    Secret _secret;
};

class FileSource final : public CredentialSource
{
public:
    explicit FileSource(std::string path) : _path(std::move(path)), _stamp(stampOf(_path)), _secret(Secret::fromFile(_path)) {}

    Secret current() override
    {
        const Stamp stamp = stampOf(_path);
        const std::lock_guard<ForkMutex> lock(_mutex);
        if (stamp != _stamp) read(stamp);
        return _secret;
    }
    std::string slot() const override { return "file " + _path; }
    void reload() override
    {
        const std::lock_guard<ForkMutex> lock(_mutex);
        read(stampOf(_path));
    }

private:
    struct Stamp
    {
        long seconds = 0, nanoseconds = 0;
        off_t size = -1;
        ino_t inode = 0;
        bool operator!=(const Stamp& other) const
        {
            return seconds != other.seconds || nanoseconds != other.nanoseconds || size != other.size || inode != other.inode;
        }
    };

    static Stamp stampOf(const std::string& path)
    {
        struct stat info
        {};
        if (::stat(path.c_str(), &info) != 0) return {};
        return {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino};
    }

    void read(const Stamp& stamp)
    {
        // While the file is being replaced it may be missing or empty for a moment: the last good version still works then, and
        // the stamp is kept so that the next request looks again.
        try {
            _secret = Secret::fromFile(_path);
            _stamp = stamp;
        } catch (const MissingCredential&) {
        }
    }

    std::string _path;
    ForkMutex _mutex;
    Stamp _stamp;
    Secret _secret;
};

class CallbackSource final : public CredentialSource
{
public:
    CallbackSource(std::string slot, std::function<Secret()> callback) : _slot(std::move(slot)), _callback(std::move(callback)) {}
    Secret current() override { return _callback(); }
    std::string slot() const override { return _slot; }

private:
    std::string _slot;
    std::function<Secret()> _callback;
};

} // namespace

CredentialSourcePtr fixedSource(Secret secret) { return std::make_shared<FixedSource>(std::move(secret)); }

CredentialSourcePtr environmentSource(const std::string& name) { return std::make_shared<EnvironmentSource>(name); }

CredentialSourcePtr fileSource(const std::string& path) { return std::make_shared<FileSource>(path); }

CredentialSourcePtr callbackSource(std::string slot, std::function<Secret()> callback)
{
    if (!callback)
        throw ConfigurationError("a callback source was given no callback", "Pass a function that answers the secret.");
    return std::make_shared<CallbackSource>(std::move(slot), std::move(callback));
}

} // namespace tollgate
