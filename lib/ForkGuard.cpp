#include "ForkGuard.h"

#include "ForkMutex.h"

#include <openssl/crypto.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <vector>

namespace tollgate {

/// What happens around a fork(). Never destroyed: a process may fork while its static objects go.
class ForkGate
{
public:
    static ForkGate& instance()
    {
        static ForkGate& gate = *new ForkGate;
        return gate;
    }

    /// It fails only without memory; then a fork is as unsafe as in any other library.
    static void watch()
    {
        ::pthread_atfork([] { instance().close(); }, [] { instance().open(false); }, [] { instance().open(true); });
    }

    void add(ForkMutex& mutex)
    {
        const auto lock = lockList();
        mutex._behind = _first;
        if (_first) _first->_before = &mutex;
        _first = &mutex;
    }

    void remove(ForkMutex& mutex) noexcept
    {
        const auto lock = lockList();
        (mutex._before ? mutex._before->_behind : _first) = mutex._behind;
        if (mutex._behind) mutex._behind->_before = mutex._before;
    }

    void add(ForkAware& member)
    {
        const auto lock = lockList();
        _members.push_back(&member);
    }

    void remove(ForkAware& member) noexcept
    {
        const auto lock = lockList();
        _members.erase(std::remove(_members.begin(), _members.end(), &member), _members.end());
    }

    void waitOutside() { const std::lock_guard<std::mutex> lock(_door); }

    // Plain mutexes: a recursive one belongs to a thread's number, and that is another one in the child.
    std::mutex pause; ///< taken before the door is closed

private:
    /// The forking thread holds it from close() to open(), and handlers of the host's that run within may make or end a client.
    std::unique_lock<std::mutex> lockList()
    {
        return _forks ? std::unique_lock<std::mutex>() : std::unique_lock<std::mutex>(_list);
    }

    void close()
    {
        pause.lock();
        _door.lock();
        ForkMutex::_doorClosed.store(true);
        _list.lock();
        while (insideOf() > ForkMutex::_held) { // those that this very thread is inside of it cannot wait for
            _list.unlock();                     // who is inside may be making or ending other mutexes
            std::this_thread::sleep_for(std::chrono::microseconds(50));
            _list.lock();
        }
        ++ForkMutex::_held; // the same handlers may use what we guard
        _forks = true;
        for (ForkAware* member : _members) member->beforeFork();
    }

    /// How many mutexes some thread is inside of. They are held one at a time: ThreadSanitizer allows 64.
    unsigned insideOf()
    {
        unsigned count = 0;
        for (ForkMutex* mutex = _first; mutex; mutex = mutex->_behind) {
            mutex->_ofForkingThread = !mutex->_mutex.try_lock();
            if (mutex->_ofForkingThread)
                ++count;
            else
                mutex->_mutex.unlock();
        }
        return count;
    }

    void open(bool inChild)
    {
        if (inChild) {
            ++forkGeneration;
            // Whoever was just being turned away at the door held one, for ever, and changed nothing.
            for (ForkMutex* mutex = _first; mutex; mutex = mutex->_behind)
                if (!mutex->_ofForkingThread) new (&mutex->_mutex) std::mutex;
        }
        std::for_each(_members.rbegin(), _members.rend(), [inChild](ForkAware* member) { member->afterFork(inChild); });
        _forks = false;
        --ForkMutex::_held;
        ForkMutex::_doorClosed.store(false);
        _list.unlock();
        _door.unlock();
        pause.unlock();
    }

    static inline thread_local bool _forks = false;

    std::mutex _door; ///< from close() to open()
    std::mutex _list;
    ForkMutex* _first = nullptr;
    std::vector<ForkAware*> _members;
};

// Before any initialiser of the program: who registers first closes last and opens first, so the handlers of the host's that use
// a client, or wait for a thread that does, find the door open.
__attribute__((constructor(101))) static void watchForks() { ForkGate::watch(); }

ForkMutex::ForkMutex() { ForkGate::instance().add(*this); }

ForkMutex::~ForkMutex() { ForkGate::instance().remove(*this); }

void ForkMutex::waitOutside()
{
    while (_doorClosed.load(std::memory_order_acquire)) {
        unlock();
        ForkGate::instance().waitOutside();
        _mutex.lock();
        ++_held;
    }
}

void ForkSection::leaveThread() noexcept { OPENSSL_thread_stop(); }

ForkPause::ForkPause() { ForkGate::instance().pause.lock(); }

ForkPause::~ForkPause() { ForkGate::instance().pause.unlock(); }

void ForkAware::joinForkGuard() { ForkGate::instance().add(*this); }

void ForkAware::leaveForkGuard() noexcept { ForkGate::instance().remove(*this); }

} // namespace tollgate
