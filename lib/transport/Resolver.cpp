#include "transport/Resolver.h"

#include "SignalsBlocked.h"
#include "transport/Failure.h"

#include "tollgate/Headers.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

namespace tollgate::transport {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t usualThreads = 8;
constexpr std::size_t maxThreads = 64; // while look-ups are stuck
constexpr auto linePatience = 100ms;   // then a look-up that waits for a thread gets one more
constexpr std::size_t maxCached = 1024;
constexpr auto timeToLive = 30s;
constexpr auto workerPatience = 10s; // an idle worker goes home after that

Resolver::Answer askSystem(const std::string& host)
{
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int result = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
    if (result != 0) return {{}, result == EAI_SYSTEM ? systemErrorText(errno) : ::gai_strerror(result)};

    Resolver::Answer answer;
    for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET)
            answer.addresses.emplace_back(&reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr, sizeof(in_addr));
        else if (entry->ai_family == AF_INET6) {
            const auto* address = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
            answer.addresses.emplace_back(&address->sin6_addr, sizeof(in6_addr), address->sin6_scope_id);
        }
    }
    ::freeaddrinfo(found);
    if (answer.addresses.empty()) answer.failure = "no address";
    return answer;
}

bool isLocalhost(const std::string& host) noexcept
{
    return equalsIgnoreCase(host, "localhost") || equalsIgnoreCase(host, "localhost.");
}

} // namespace

/// What callers and workers share; it lives as long as the last of them.
struct Resolver::State : std::enable_shared_from_this<State>
{
    /// One look-up and those who wait for it.
    struct Flight
    {
        std::string host;
        bool begun = false; ///< it has a thread
        Answer answer;
        std::vector<std::shared_ptr<Signal>> waiting;
    };
    using FlightPtr = std::shared_ptr<Flight>;
    struct Cached
    {
        Addresses addresses;
        TimePoint until;
    };

    explicit State(Lookup function) : lookup(std::move(function)) {}

    void start(const FlightPtr& flight)
    {
        if (idle <= queue.size() && threads < usualThreads) addThread();
        flights.emplace(flight->host, flight);
        queue.push_back(flight);
        workAvailable.notify_one();
    }

    void addThread()
    {
        try {
            const SignalsBlocked blocked;
            std::thread([self = shared_from_this()] { self->work(); }).detach();
            ++threads;
        } catch (const std::system_error& error) {
            if (threads == 0)
                fail<NameResolutionError>(std::string("no thread to resolve names with: ") + error.what(),
                                          "The process or the machine has too many threads.");
        }
    }

    bool begun(const Flight& flight)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        return flight.begun;
    }

    /// The flight has waited in line long enough: those before it are stuck. Asked again by who still waits, since the new thread
    /// takes the first of the line.
    void relieve(const Flight& flight)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!flight.begun && threads < maxThreads) addThread();
    }

    /// Somebody gave up. Their flight goes on without them, but keeps neither their descriptor nor, if nobody wants it any more,
    /// its place in the line.
    void leave(const FlightPtr& flight, const std::shared_ptr<Signal>& signal)
    {
        auto& waiting = flight->waiting;
        waiting.erase(std::remove(waiting.begin(), waiting.end(), signal), waiting.end());
        if (flight->begun || !waiting.empty()) return;
        queue.erase(std::remove(queue.begin(), queue.end(), flight), queue.end());
        flights.erase(flight->host);
    }

    void work()
    {
        std::unique_lock<std::mutex> lock(mutex);
        for (;;) {
            ++idle;
            const bool something = workAvailable.wait_for(lock, workerPatience, [this] { return closing || !queue.empty(); });
            --idle;
            if (closing || !something) break;
            const FlightPtr flight = std::move(queue.front());
            queue.pop_front();
            flight->begun = true;
            lock.unlock();
            Answer answer = ask(flight->host);
            lock.lock();
            land(flight, std::move(answer));
        }
        --threads;
    }

    Answer ask(const std::string& host) const
    {
        try {
            return lookup(host);
        } catch (const std::exception& error) {
            return {{}, error.what()};
        }
    }

    void land(const FlightPtr& flight, Answer answer)
    {
        flights.erase(flight->host);
        if (answer.failure.empty()) {
            if (cache.size() >= maxCached) cache.clear();
            cache[flight->host] = Cached{answer.addresses, Steady::now() + timeToLive};
        }
        flight->answer = std::move(answer);
        for (const auto& signal : flight->waiting) signal->raise();
    }

    const Lookup lookup;
    std::mutex mutex;
    std::condition_variable workAvailable;
    std::deque<FlightPtr> queue;
    std::unordered_map<std::string, FlightPtr> flights;
    std::unordered_map<std::string, Cached> cache;
    std::size_t threads = 0;
    std::size_t idle = 0;
    bool closing = false;
};

Resolver::Resolver(Lookup lookup) : _state(std::make_shared<State>(lookup ? std::move(lookup) : askSystem)) {}

Resolver::~Resolver()
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    _state->closing = true;
    _state->workAvailable.notify_all(); // who is stuck in a look-up finds out later, on its own
}

Resolver::Addresses Resolver::resolve(const std::string& host, Watch& watch, PhaseLimit& limit)
{
    Poco::Net::IPAddress literal;
    if (Poco::Net::IPAddress::tryParse(host, literal)) return {literal};
    if (isLocalhost(host)) return {Poco::Net::IPAddress("127.0.0.1"), Poco::Net::IPAddress("::1")}; // RFC 6761 section 6.3

    State& state = *_state;
    State::FlightPtr flight;
    std::shared_ptr<Signal> signal;
    {
        const std::lock_guard<std::mutex> lock(state.mutex);
        const auto cached = state.cache.find(host);
        if (cached != state.cache.end() && cached->second.until > Steady::now()) return cached->second.addresses;
        const auto inFlight = state.flights.find(host);
        if (inFlight != state.flights.end())
            flight = inFlight->second;
        else {
            flight = std::make_shared<State::Flight>();
            flight->host = host;
            state.start(flight);
        }
        signal = std::make_shared<Signal>();
        flight->waiting.push_back(signal);
    }
    try {
        while (!state.begun(*flight)) {
            const TimePoint end = std::min(limit.end(), Steady::now() + linePatience);
            if (watch.waitUntil(signal->descriptor(), POLLIN, end, Phase::Resolve) != 0) break;
            if (end >= limit.end()) Watch::limitPassed(limit);
            state.relieve(*flight);
        }
        watch.wait(signal->descriptor(), POLLIN, limit); // it stays readable
    } catch (...) {
        const std::lock_guard<std::mutex> lock(state.mutex);
        state.leave(flight, signal);
        throw;
    }

    const std::lock_guard<std::mutex> lock(state.mutex);
    if (!flight->answer.failure.empty())
        fail<NameResolutionError>(fmt::format("the host name {} has no address: {}", host, flight->answer.failure),
                                  "Check the spelling of the host in the URL, and the machine's DNS settings.");
    return flight->answer.addresses;
}

} // namespace tollgate::transport
