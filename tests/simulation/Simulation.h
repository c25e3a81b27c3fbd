#pragma once

#include "simulation/Limiters.h"
#include "simulation/Network.h"
#include "simulation/Servers.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace tollgate::simulation {

/// One run: a client with one line, first come first served, a network and the servers that judge what arrives.
struct Run
{
    Rate rate; ///< what the demand and the utilisation are measured against
    Network network;
    std::uint64_t requests = 0;
    std::uint64_t seed = 1;
    bool bursty = false;    ///< else there is always somebody in line
    unsigned maxWeight = 1; ///< weights are drawn from 1 to that
    /// For each that gets in line: how many units are ahead of it. Where it is set, the demand must be bursty.
    std::function<void(TimePoint now, unsigned weight, std::uint64_t ahead)> onJoin{};
    std::function<void(TimePoint now, unsigned weight)> onGo{};
};

struct Report
{
    std::uint64_t sent = 0;
    std::vector<std::uint64_t> refused; ///< by server
    std::uint64_t refusedLater = 0;     ///< of them, those that were sent after the client had learnt of the first
    std::uint64_t lost = 0;             ///< answers that the client did not wait for or that never came
    double utilisation = 0;             ///< share of the limit that was used
    Nanos elapsed = 0;

    std::uint64_t refusedByAnybody() const
    {
        std::uint64_t sum = 0;
        for (const std::uint64_t one : refused) sum += one;
        return sum;
    }
};

/// Lets the client send, and every server judge each arrival. If any of them refuses, the client gets a 429: so as long as none
/// does, the one run stands for one with each of them. The answer's other words are those of the first server.
Report simulate(Limiter& limiter, Servers& servers, const Run& run);

/// So many requests here: fewer where the build is slow, which a message then says.
std::uint64_t scaled(std::uint64_t requests);

/// Adds to the number that the end of the program prints.
void count(std::uint64_t requests);

} // namespace tollgate::simulation
