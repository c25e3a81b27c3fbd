#pragma once

#include "FaultServer.h"

#include "tollgate/Client.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace tollgate::soak {

/// The calls: which kind comes when follows from the seed alone.
class Load
{
public:
    struct Servers
    {
        std::string plain, secure, stranger; ///< the last one's certificate is from nobody we trust
        std::string caFile;
    };
    Load(const Servers& servers, std::uint64_t seed);

    /// Starts every thread that the library may ever start, so that more of them later are a leak.
    void warmUp();
    /// Makes `count` calls, blocking ones and asynchronous ones, on several threads; returns when each had its outcome, or 30 s
    /// after the last one began. All connections are closed then.
    void run(std::uint64_t count);

    std::uint64_t calls() const { return _calls; }
    std::uint64_t outcomes() const { return _outcomes; }
    /// "OK" and the errors' names, and how often each came.
    std::map<std::string, std::uint64_t> tally() const;

private:
    struct Plan;
    Plan planOf(std::uint64_t number) const;
    void call(std::uint64_t number);
    void count(const Result<Response>& result);
    void drain();

    const std::uint64_t _seed;
    TransportPtr _transport;
    std::atomic<unsigned> _keyVersion{1};
    Client _plain, _secure, _rotating, _limited, _stranger;
    std::atomic<std::uint64_t> _calls{0}, _outcomes{0};

    mutable std::mutex _mutex;
    std::condition_variable _landed;
    std::size_t _inFlight = 0; ///< asynchronous ones
    std::map<std::string, std::uint64_t> _tally;
};

} // namespace tollgate::soak
