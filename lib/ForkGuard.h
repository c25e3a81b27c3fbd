#pragma once

#include "tollgate/Export.h"

namespace tollgate {

/// Is told when the process forks, once no thread is inside a ForkMutex: for what must not be open in both. Register in the
/// constructor, leave first thing in the destructor. afterFork() may take no ForkMutex: in the parent others wait outside, and
/// what they guard is nobody's but ours.
class TOLLGATE_API ForkAware
{
public:
    virtual void beforeFork() noexcept = 0;
    virtual void afterFork(bool inChild) noexcept = 0;

protected:
    ForkAware() = default;
    ~ForkAware() = default;
    ForkAware(const ForkAware&) = delete;
    ForkAware& operator=(const ForkAware&) = delete;

    void joinForkGuard();
    void leaveForkGuard() noexcept;
};

/// Keeps the process from forking as long as it lives: while a database is open that no ForkAware object looks after.
class TOLLGATE_API ForkPause
{
public:
    ForkPause();
    ~ForkPause();
    ForkPause(const ForkPause&) = delete;
    ForkPause& operator=(const ForkPause&) = delete;
};

} // namespace tollgate
