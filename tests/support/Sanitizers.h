#pragma once

// Which sanitizer the tests are built with: GCC says it with macros, Clang with features.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TOLLGATE_TESTS_WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define TOLLGATE_TESTS_WITH_TSAN 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) && !defined(TOLLGATE_TESTS_WITH_ASAN)
#define TOLLGATE_TESTS_WITH_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(TOLLGATE_TESTS_WITH_TSAN)
#define TOLLGATE_TESTS_WITH_TSAN 1
#endif
