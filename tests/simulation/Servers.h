#pragma once

#include "simulation/Network.h"

#include "tollgate/ServerHint.h"

#include <memory>
#include <string>
#include <vector>

namespace tollgate::simulation {

/// A server that counts requests in its own way and refuses those beyond `limit` per `window`.
class Server
{
public:
    explicit Server(std::string name) : _name(std::move(name)) {}
    virtual ~Server() = default;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// A request arrives; times never go back. False: 429.
    virtual bool accepts(Nanos at, unsigned weight) = 0;
    /// What it writes into the answer that it gave last.
    virtual ServerHint hint(Nanos /*at*/, bool /*accepted*/) const { return {}; }

    const std::string& name() const noexcept { return _name; }

private:
    std::string _name;
};

using ServerPtr = std::unique_ptr<Server>;

struct Rate
{
    unsigned limit = 100;
    Nanos window = minute;
};

/// Windows of the calendar, the first of which began `phase` before the run.
ServerPtr fixedWindow(Rate rate, Nanos phase);
/// A window begins with the first request after the last one (INCR and EXPIRE).
ServerPtr firstHitWindow(Rate rate);
/// At most `limit` in any interval of the window's length.
ServerPtr slidingLog(Rate rate);
/// The same, and what it refuses counts too.
ServerPtr slidingLogOfAll(Rate rate);
/// The count of the present window and the share of the one before that a sliding window still covers.
ServerPtr slidingCounter(Rate rate, Nanos phase);
/// `size` at once, refilled evenly.
ServerPtr tokenBucket(Rate rate, unsigned size);

/// A fixed window that writes X-RateLimit-Limit, -Remaining and -Reset. Its limit is another one from each of the times on.
struct Plan
{
    Nanos from;
    unsigned limit;
};
ServerPtr telling(std::vector<Plan> plans, Nanos window, Nanos phase);

/// `server`, whose refusals bear a Retry-After.
ServerPtr askingToWait(ServerPtr server, Duration retryAfter);
/// `server`, and somebody else spends `count` of the same quota at once, at that time.
ServerPtr disturbed(ServerPtr server, Nanos at, unsigned count);

/// The same kind of server with windows at eight phases, where phases matter.
using Servers = std::vector<ServerPtr>;
void addFixedWindows(Servers& servers, Rate rate);
void addSlidingCounters(Servers& servers, Rate rate);

/// Those that Burst is made for: fixed, first-hit and sliding windows, and the bucket that holds the limit.
Servers plainServers(Rate rate);
/// These and the sliding counter and a bucket of a fifth: the seven kinds that Adaptive is made for.
Servers strictServers(Rate rate);

} // namespace tollgate::simulation
