#include "stores/ForkGuard.h"

#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace tollgate::stores {

namespace {

struct Registry
{
    // Plain ones: a recursive mutex belongs to a thread's number, and that is another one in the child.
    std::mutex pause; // taken first
    std::mutex mutex;
    std::vector<ForkAware*> members;
};

/// Never destroyed: a process may fork while its static objects go.
Registry& registry()
{
    static Registry& instance = *new Registry;
    return instance;
}

void prepare()
{
    registry().pause.lock(); // both until parent() or child()
    registry().mutex.lock();
    for (ForkAware* member : registry().members) member->beforeFork();
}

void resume(bool inChild)
{
    auto& members = registry().members;
    std::for_each(members.rbegin(), members.rend(), [inChild](ForkAware* member) { member->afterFork(inChild); });
    registry().mutex.unlock();
    registry().pause.unlock();
}

void parent() { resume(false); }
void child() { resume(true); }

void watchForks()
{
    static const int registered = ::pthread_atfork(prepare, parent, child);
    static_cast<void>(registered); // it fails only without memory; then a fork is as unsafe as in any other library
}

} // namespace

ForkPause::ForkPause()
{
    watchForks();
    registry().pause.lock();
}

ForkPause::~ForkPause() { registry().pause.unlock(); }

void ForkAware::joinForkGuard()
{
    watchForks();
    const std::lock_guard<std::mutex> lock(registry().mutex);
    registry().members.push_back(this);
}

void ForkAware::leaveForkGuard() noexcept
{
    const std::lock_guard<std::mutex> lock(registry().mutex);
    auto& members = registry().members;
    members.erase(std::remove(members.begin(), members.end(), this), members.end());
}

} // namespace tollgate::stores
