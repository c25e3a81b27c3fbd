#pragma once
#include "support/Sanitizers.h"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <iostream>

namespace tollgate::tests {

/// Whether threads may start in a forked child; says so if not.
inline bool childrenMayHaveThreads()
{
#if defined(TOLLGATE_TESTS_WITH_TSAN)
    std::cout << "skipped: ThreadSanitizer supports no threads after a fork amid threads\n";
    return false;
#else
    return true;
#endif
}

/// Whether a process may fork while its threads allocate memory; says so if not.
inline bool mayForkAmidThreads()
{
#if defined(TOLLGATE_TESTS_WITH_ASAN)
    std::cout << "skipped: AddressSanitizer's allocator may be locked for ever in a child forked amid threads\n";
    return false;
#else
    return childrenMayHaveThreads();
#endif
}

/// How a child ended.
enum class Ending
{
    Good,
    Wrong,
    Hung
};

/// Waits for it.
inline Ending endingOf(pid_t child)
{
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return Ending::Hung;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Ending::Good : Ending::Wrong;
}

/// Forks a child that runs it and is good if it answers true. A child that is not done within `patience` seconds hangs.
inline pid_t forkChild(const std::function<bool()>& action, unsigned patience = 30)
{
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::alarm(patience);
    bool good = false;
    try {
        good = action();
    } catch (const std::exception& error) {
        std::cerr << "in the child: " << error.what() << std::endl;
    }
    ::_exit(good ? 0 : 1); // no static destructors, no test report
}

} // namespace tollgate::tests
