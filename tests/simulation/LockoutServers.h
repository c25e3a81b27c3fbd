#pragma once

#include "simulation/Network.h"

#include <deque>
#include <memory>
#include <string>

namespace tollgate::simulation {

/// A server that locks an account after bad logins, and what it saw.
class LockoutServer
{
public:
    explicit LockoutServer(std::string name) : _name(std::move(name)) {}
    virtual ~LockoutServer() = default;
    LockoutServer(const LockoutServer&) = delete;
    LockoutServer& operator=(const LockoutServer&) = delete;

    /// The status of its answer to a request that arrives now; times never go back.
    int answer(Nanos at, bool goodKey)
    {
        if (!goodKey) ++_bad;
        if (at < _lockedUntil) {
            ++_whileLocked;
            return attemptWhileLocked(at);
        }
        if (goodKey) {
            success();
            return 200;
        }
        failure(at);
        return 401;
    }

    const std::string& name() const noexcept { return _name; }
    unsigned bad() const noexcept { return _bad; }                 ///< attempts with a bad key
    unsigned whileLocked() const noexcept { return _whileLocked; } ///< attempts while it was locked
    unsigned locks() const noexcept { return _locks; }
    Nanos lockedUntil() const noexcept { return _lockedUntil; }

protected:
    virtual void failure(Nanos at) = 0;
    virtual void success() {}
    /// Answers 403, if it does not say otherwise.
    virtual int attemptWhileLocked(Nanos /*at*/) { return 403; }
    void lock(Nanos at, Nanos duration)
    {
        ++_locks;
        _lockedUntil = at + duration;
    }
    void prolong(Nanos until) { _lockedUntil = until; }

private:
    std::string _name;
    unsigned _bad = 0;
    unsigned _whileLocked = 0;
    unsigned _locks = 0;
    Nanos _lockedUntil = -1000 * hour;
};

using LockoutServerPtr = std::unique_ptr<LockoutServer>;

/// Five failures in 60 s lock for five minutes.
LockoutServerPtr githubLike();
/// The same, and each attempt during the lock prolongs it.
LockoutServerPtr extending();
/// Five failures lock for 15 minutes; a success or 15 quiet minutes forgive.
LockoutServerPtr vaultLike();
/// Two failures within a second lock for a minute; the lock answers 401 like a bad password.
LockoutServerPtr keycloakLike();
/// Ten failures lock for a minute; the first failure after it locks again, for twice as long each time.
LockoutServerPtr entraLike();

} // namespace tollgate::simulation
