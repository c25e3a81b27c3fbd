#pragma once

#include "ForkMutex.h"
#include "tollgate/Transport.h"

#include <functional>
#include <memory>
#include <mutex>

namespace tollgate {

/// Transport::shared(), whose lock no thread holds when the process forks: all take one of ours before.
template <class T>
std::shared_ptr<T> sharedBy(Transport& transport, const std::function<std::shared_ptr<T>()>& make)
{
    static ForkMutex& mutex = *new ForkMutex;
    const std::lock_guard<ForkMutex> lock(mutex);
    return transport.shared<T>(make);
}

} // namespace tollgate
