#pragma once
#include "support/Sanitizers.h"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace tollgate::tests {

inline boost::test_tools::assertion_result skippedBecause(const char* reason)
{
    boost::test_tools::assertion_result skipped(false);
    skipped.message() << reason;
    return skipped;
}

/// Precondition of a test: threads may start in a forked child.
inline boost::test_tools::assertion_result childrenMayHaveThreads(boost::unit_test::test_unit_id)
{
#if defined(TOLLGATE_TESTS_WITH_TSAN)
    return skippedBecause("ThreadSanitizer supports no threads after a fork amid threads");
#else
    return true;
#endif
}

/// Precondition of a test: a process may fork while its threads allocate memory.
inline boost::test_tools::assertion_result mayForkAmidThreads(boost::unit_test::test_unit_id test)
{
#if defined(TOLLGATE_TESTS_WITH_ASAN)
    static_cast<void>(test);
    return skippedBecause("AddressSanitizer's allocator may be locked for ever in a child forked amid threads");
#else
    return childrenMayHaveThreads(test);
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
