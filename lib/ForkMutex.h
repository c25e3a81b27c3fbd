#pragma once

#include <atomic>
#include <mutex>

namespace tollgate {

/// How many forks lie between this process and the one that loaded the library: what bears another number is the parent's.
inline std::atomic<unsigned> forkGeneration{0};

/// A std::mutex that no thread is inside of when the process forks, so that what it guards is whole in the child, and free there.
/// Costs what std::mutex costs. Not for a condition_variable (its wait would pass the door by; condition_variable_any does not).
///
/// Before a fork a door is closed: a thread that holds none of these mutexes and wants one waits outside; one that holds one goes
/// on, takes more if it needs them, and comes out. So there is no order to keep among them, and the fork waits for what goes on
/// now, but not for what comes. Hold none while you call code of the host program: it might fork.
class ForkMutex
{
public:
    ForkMutex();
    ~ForkMutex();
    ForkMutex(const ForkMutex&) = delete;
    ForkMutex& operator=(const ForkMutex&) = delete;

    void lock()
    {
        _mutex.lock();
        // The door was closed before the forking thread looked at this mutex: who comes after that look sees it. And who finds it
        // open again sees what was done behind it: hence acquire.
        if (++_held == 1 && _doorClosed.load(std::memory_order_acquire)) waitOutside();
    }

    void unlock()
    {
        --_held;
        _mutex.unlock();
    }

private:
    friend class ForkGate;
    void waitOutside();

    static inline std::atomic<bool> _doorClosed{false};
    static inline thread_local unsigned _held = 0; ///< of these mutexes, by this thread

    std::mutex _mutex;
    bool _ofForkingThread = false;
    ForkMutex* _before = nullptr; ///< in the list of all
    ForkMutex* _behind = nullptr;
};

/// No fork happens while a thread is inside of one: for calls into OpenSSL, which has locks of its own, and takes some when a
/// thread uses it for the first time, and when such a thread ends (the section sees to that, too). Nests. Costs a lock that
/// nobody else wants.
class ForkSection
{
public:
    ForkSection()
    {
        if (_depth == 0) own().lock();
        ++_depth;
    }
    ~ForkSection()
    {
        if (_depth == 1 && _ended) leaveThread(); // once more: the thread's end has seen to it, and then came a late use
        if (--_depth == 0) own().unlock();
    }
    ForkSection(const ForkSection&) = delete;
    ForkSection& operator=(const ForkSection&) = delete;

private:
    static ForkMutex& own()
    {
        // On the heap: in a forked child the parent's threads are gone, and their memory with them.
        struct Holder
        {
            ForkMutex* mutex = new ForkMutex;
            ~Holder()
            {
                _ended = true;
                if (_depth != 0) return; // exit() inside of a section, as a signal handler may: this thread has the lock
                {
                    const std::lock_guard<ForkMutex> lock(*mutex);
                    leaveThread();
                }
                delete mutex;
            }
        };
        if (_ended) { // static objects end after those of the thread; a transport may be one of them
            static ForkMutex& late = *new ForkMutex;
            return late;
        }
        thread_local const Holder holder;
        return *holder.mutex;
    }
    /// Gives back what OpenSSL keeps for this thread, before it does so by itself outside of any section.
    static void leaveThread() noexcept;

    static inline thread_local bool _ended = false;
    static inline thread_local unsigned _depth = 0;
};

} // namespace tollgate
