#pragma once

/// What is visible outside the shared library. Everything else is compiled with hidden visibility.

#if defined(__GNUC__) || defined(__clang__)
#define TOLLGATE_API __attribute__((visibility("default")))
#else
#define TOLLGATE_API
#endif
