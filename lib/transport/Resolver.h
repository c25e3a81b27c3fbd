#pragma once

#include "transport/Wait.h"

#include <Poco/Net/IPAddress.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tollgate::transport {

/// Turns host names into addresses. getaddrinfo() cannot be told to stop, so it runs on worker threads that share nothing but
/// their own state with us: a caller whose deadline passes walks away from a stuck one. There are up to eight; a look-up that has
/// waited for one of them for 100 ms gets another, since those eight are stuck, up to 64 in all. One look-up per name at a time,
/// none for a name that nobody waits for any more. Answers are kept for 30 seconds, failures are not: the next caller asks again.
/// Thread-safe; a forked child must use one of its own.
class Resolver
{
public:
    using Addresses = std::vector<Poco::Net::IPAddress>;
    /// Answers the addresses of a name, or why there are none. Runs on a worker thread.
    struct Answer
    {
        Addresses addresses;
        std::string failure;
    };
    using Lookup = std::function<Answer(const std::string& host)>;

    /// Asks the system, unless a test brings its own look-up.
    explicit Resolver(Lookup lookup = {});
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// The host's addresses in the system's order of preference, at least one. IP literals and "localhost" take no look-up.
    /// Throws NameResolutionError, Timeout, Cancelled.
    Addresses resolve(const std::string& host, Watch& watch, PhaseLimit& limit);

private:
    struct State;
    std::shared_ptr<State> _state;
};

} // namespace tollgate::transport
