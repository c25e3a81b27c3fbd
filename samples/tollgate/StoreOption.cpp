#include "StoreOption.h"

#include "Control.h"
#include "ProviderSetup.h"

#ifdef TOLLGATE_COMMAND_HAS_SQLITE
#include "tollgate/stores/SqliteStore.h"
#endif
#ifdef TOLLGATE_COMMAND_HAS_REDIS
#include "tollgate/stores/RedisStore.h"
#endif

#include <fmt/format.h>

#include <unistd.h>

namespace tollgate::command {

namespace {

#ifdef TOLLGATE_COMMAND_HAS_SQLITE
constexpr bool hasFiles = true;
QuotaStorePtr openFile(const std::string& path, bool asked)
{
    SqliteStoreOptions options;
    // Who names a store wants it kept. The default one must not stop a request.
    options.failure = asked ? StoreFailure::Closed : StoreFailure::SafeShare;
    return sqliteStore(path, options);
}
std::vector<QuotaKey> accountsIn(const std::string& path) { return sqliteAccounts(path); }
#else
constexpr bool hasFiles = false;
[[noreturn]] void hasNone()
{
    throw ConfigurationError("--store: this tollgate was built without SQLite, so it keeps no limits in files",
                             "Build it with Poco's DataSQLite, or use --store none.");
}
QuotaStorePtr openFile(const std::string&, bool) { hasNone(); }
std::vector<QuotaKey> accountsIn(const std::string&) { hasNone(); }
#endif

QuotaStorePtr openRedis(const std::string& address)
{
#ifdef TOLLGATE_COMMAND_HAS_REDIS
    RedisStoreOptions options;
    options.failure = StoreFailure::Closed; // a process that has just started knows nothing to go on from
    options.user = variableValue("TOLLGATE_REDIS_USER").value_or("");
    if (const auto password = variableValue("TOLLGATE_REDIS_PASSWORD")) options.password = Secret(*password);
    return redisStore(address, std::move(options));
#else
    throw ConfigurationError(fmt::format("--store: this tollgate was built without Redis, so it cannot use {}", address),
                             "Build it with Poco's Redis, or use --store PATH.");
#endif
}

// The XDG Base Directory Specification: a relative path in the variable is to be ignored.
std::string defaultPath()
{
    const std::string state = variableValue("XDG_STATE_HOME").value_or("");
    if (!state.empty() && state.front() == '/') return state + "/tollgate/quota.db";
    const std::string home = variableValue("HOME").value_or("");
    return !home.empty() && home.front() == '/' ? home + "/.local/state/tollgate/quota.db" : std::string();
}

void note(const std::string& text) { writeAll(STDERR_FILENO, "tollgate: note: " + text + '\n'); }

} // namespace

StoreOption::StoreOption(const std::optional<std::string>& text) : _asked(text.has_value()), _place(text.value_or(""))
{
    if (!_asked) {
        _place = defaultPath();
        return;
    }
    if (_place.empty()) throw UsageError("--store: there is no path", "Write it as in --store /var/lib/app/quota.db.");
    if (_place == "none") _kind = Kind::None;
    if (_place.compare(0, 6, "redis:") != 0) return;
    _kind = Kind::Redis;
    if (_place.find('@') != std::string::npos)
        throw UsageError("--store: a password must not stand on the command line: others can see it in the process list",
                         "Put it into the variable TOLLGATE_REDIS_PASSWORD, and the user into TOLLGATE_REDIS_USER.");
    if (_place.compare(0, 8, "redis://") != 0) _place.erase(0, 6);
}

QuotaStorePtr StoreOption::openThis(bool asked) const
{
    return _kind == Kind::Redis ? openRedis(_place) : openFile(_place, asked);
}

QuotaStorePtr StoreOption::open(bool limited) const
{
    if (_kind == Kind::None) return nullptr;
    if (_asked) return openThis(true);
    if (!hasFiles) {
        if (limited) note("limits hold for this run alone: this tollgate was built without SQLite");
        return nullptr;
    }
    if (_place.empty()) {
        note("limits and lockouts are not kept between runs: neither XDG_STATE_HOME nor HOME is set");
        return nullptr;
    }
    try {
        return openThis(false);
    } catch (const Error& error) {
        note("limits and lockouts are not kept between runs: " + error.details().message);
        return nullptr;
    }
}

void StoreOption::mustKeep() const
{
    if (_kind == Kind::None)
        throw UsageError("--store none keeps nothing that could be shown", "Name the store that the requests used.");
    if (_place.empty())
        throw ConfigurationError("there is no default store: neither XDG_STATE_HOME nor HOME is set", "Name one with --store.");
}

std::optional<std::vector<QuotaKey>> StoreOption::accounts() const
{
    if (_kind != Kind::File) return std::nullopt;
    return accountsIn(_place);
}

} // namespace tollgate::command
