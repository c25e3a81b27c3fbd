#include "stores/HostLookup.h"

#include "stores/Backend.h"
#include "tollgate/Error.h"
#include "transport/Resolver.h"

#include <unistd.h>

#include <chrono>
#include <mutex>

namespace tollgate::stores {

namespace {

/// One for each process, as a forked child must not use its parent's; never destroyed, as its threads may outlive us.
transport::Resolver& resolver()
{
    static std::mutex& mutex = *new std::mutex;
    static pid_t process = 0;
    static transport::Resolver* current = nullptr;
    const std::lock_guard<std::mutex> lock(mutex);
    if (process != ::getpid()) {
        process = ::getpid();
        current = new transport::Resolver;
    }
    return *current;
}

} // namespace

std::vector<Poco::Net::IPAddress> lookUp(const std::string& host, Duration patience, transport::Watch& watch)
{
    try {
        transport::PhaseLimit limit(transport::Phase::Resolve, std::chrono::duration_cast<std::chrono::milliseconds>(patience));
        return resolver().resolve(host, watch, limit);
    } catch (const Cancelled&) {
        throw;
    } catch (const Timeout&) {
        watch.check(transport::Phase::Store); // the call's time, or the store's
        throw BackendFailure("the name " + host + " could not be resolved in time");
    } catch (const Error&) {
        throw BackendFailure("the name " + host + " has no address");
    }
}

} // namespace tollgate::stores
