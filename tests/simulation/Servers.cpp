#include "simulation/Servers.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace tollgate::simulation {

namespace {

constexpr int phases = 8;

std::string withPhase(const char* name, Nanos phase, Nanos window)
{
    return std::string(name) + " at " + std::to_string(phase * phases / window) + "/8";
}

class FixedWindow final : public Server
{
public:
    FixedWindow(Rate rate, Nanos phase) : Server(withPhase("fixed window", phase, rate.window)), _rate(rate), _phase(phase) {}

    bool accepts(Nanos at, unsigned weight) override
    {
        const Nanos number = (at + _phase) / _rate.window;
        if (number != _number) _count = 0;
        _number = number;
        if (_count + weight > _rate.limit) return false;
        _count += weight;
        return true;
    }

private:
    Rate _rate;
    Nanos _phase;
    Nanos _number = -1;
    unsigned _count = 0;
};

class FirstHitWindow final : public Server
{
public:
    explicit FirstHitWindow(Rate rate) : Server("first-hit window"), _rate(rate) {}

    bool accepts(Nanos at, unsigned weight) override
    {
        if (at >= _end) {
            _end = at + _rate.window;
            _count = 0;
        }
        if (_count + weight > _rate.limit) return false;
        _count += weight;
        return true;
    }

private:
    Rate _rate;
    Nanos _end = 0;
    unsigned _count = 0;
};

class SlidingLog final : public Server
{
public:
    SlidingLog(Rate rate, bool countsRefused)
        : Server(countsRefused ? "sliding log of all" : "sliding log")
        , _rate(rate)
        , _countsRefused(countsRefused)
    {}

    bool accepts(Nanos at, unsigned weight) override
    {
        while (!_log.empty() && _log.front().first <= at - _rate.window) {
            _count -= _log.front().second;
            _log.pop_front();
        }
        const bool fits = _count + weight <= _rate.limit;
        if (fits || _countsRefused) {
            _log.emplace_back(at, weight);
            _count += weight;
        }
        return fits;
    }

private:
    Rate _rate;
    bool _countsRefused;
    std::deque<std::pair<Nanos, unsigned>> _log;
    unsigned _count = 0;
};

class SlidingCounter final : public Server
{
public:
    SlidingCounter(Rate rate, Nanos phase) : Server(withPhase("sliding counter", phase, rate.window)), _rate(rate), _phase(phase)
    {}

    bool accepts(Nanos at, unsigned weight) override
    {
        const Nanos number = (at + _phase) / _rate.window;
        if (number != _number) {
            _before = number == _number + 1 ? _count : 0;
            _count = 0;
            _number = number;
        }
        const double elapsed = static_cast<double>((at + _phase) % _rate.window) / static_cast<double>(_rate.window);
        const double estimate = _count + _before * (1 - elapsed);
        if (estimate + weight > _rate.limit + 1e-9) return false;
        _count += weight;
        return true;
    }

private:
    Rate _rate;
    Nanos _phase;
    Nanos _number = -1;
    unsigned _count = 0;
    unsigned _before = 0;
};

class TokenBucket final : public Server
{
public:
    TokenBucket(Rate rate, unsigned size)
        : Server("token bucket of " + std::to_string(size))
        , _perNano(static_cast<double>(rate.limit) / static_cast<double>(rate.window))
        , _size(size)
        , _tokens(size)
    {}

    bool accepts(Nanos at, unsigned weight) override
    {
        _tokens = std::min(_size, _tokens + static_cast<double>(at - _last) * _perNano);
        _last = at;
        if (_tokens + 1e-9 < weight) return false;
        _tokens -= weight;
        return true;
    }

private:
    double _perNano;
    double _size;
    double _tokens;
    Nanos _last = 0;
};

class Telling final : public Server
{
public:
    Telling(std::vector<Plan> plans, Nanos window, Nanos phase)
        : Server("telling window")
        , _plans(std::move(plans))
        , _window(window)
        , _phase(phase)
    {}

    bool accepts(Nanos at, unsigned weight) override
    {
        const Nanos number = (at + _phase) / _window;
        if (number != _number) _count = 0;
        _number = number;
        if (_count + weight > limitAt(at)) return false;
        _count += weight;
        return true;
    }

    ServerHint hint(Nanos at, bool accepted) const override
    {
        ServerHint::Quota quota;
        quota.limit = limitAt(at);
        quota.remaining = *quota.limit - std::min<std::uint64_t>(*quota.limit, _count);
        // Whole seconds, as servers write them.
        quota.reset = std::chrono::seconds(((_number + 1) * _window - _phase - at + second - 1) / second);
        ServerHint hint;
        hint.quotas.push_back(quota);
        if (!accepted) hint.retryAfter = quota.reset;
        return hint;
    }

private:
    unsigned limitAt(Nanos at) const
    {
        unsigned limit = 0;
        for (const Plan& plan : _plans)
            if (plan.from <= at) limit = plan.limit;
        return limit;
    }

    std::vector<Plan> _plans;
    Nanos _window;
    Nanos _phase;
    Nanos _number = -1;
    unsigned _count = 0;
};

class AskingToWait final : public Server
{
public:
    AskingToWait(ServerPtr server, Duration retryAfter)
        : Server(server->name() + " with Retry-After")
        , _server(std::move(server))
        , _retryAfter(retryAfter)
    {}

    bool accepts(Nanos at, unsigned weight) override { return _server->accepts(at, weight); }
    ServerHint hint(Nanos /*at*/, bool accepted) const override
    {
        ServerHint hint;
        if (!accepted) hint.retryAfter = _retryAfter;
        return hint;
    }

private:
    ServerPtr _server;
    Duration _retryAfter;
};

class Disturbed final : public Server
{
public:
    Disturbed(ServerPtr server, Nanos at, unsigned count)
        : Server(server->name() + ", shared")
        , _server(std::move(server))
        , _at(at)
        , _count(count)
    {}

    bool accepts(Nanos at, unsigned weight) override
    {
        for (; at >= _at && _count > 0; --_count) _server->accepts(_at, 1);
        return _server->accepts(at, weight);
    }
    ServerHint hint(Nanos at, bool accepted) const override { return _server->hint(at, accepted); }

private:
    ServerPtr _server;
    Nanos _at;
    unsigned _count;
};

} // namespace

ServerPtr fixedWindow(Rate rate, Nanos phase) { return std::make_unique<FixedWindow>(rate, phase); }
ServerPtr firstHitWindow(Rate rate) { return std::make_unique<FirstHitWindow>(rate); }
ServerPtr slidingLog(Rate rate) { return std::make_unique<SlidingLog>(rate, false); }
ServerPtr slidingLogOfAll(Rate rate) { return std::make_unique<SlidingLog>(rate, true); }
ServerPtr slidingCounter(Rate rate, Nanos phase) { return std::make_unique<SlidingCounter>(rate, phase); }
ServerPtr tokenBucket(Rate rate, unsigned size) { return std::make_unique<TokenBucket>(rate, size); }
ServerPtr telling(std::vector<Plan> plans, Nanos window, Nanos phase)
{
    return std::make_unique<Telling>(std::move(plans), window, phase);
}
ServerPtr askingToWait(ServerPtr server, Duration retryAfter)
{
    return std::make_unique<AskingToWait>(std::move(server), retryAfter);
}
ServerPtr disturbed(ServerPtr server, Nanos at, unsigned count)
{
    return std::make_unique<Disturbed>(std::move(server), at, count);
}

void addFixedWindows(Servers& servers, Rate rate)
{
    for (int i = 0; i < phases; ++i) servers.push_back(fixedWindow(rate, rate.window * i / phases));
}

void addSlidingCounters(Servers& servers, Rate rate)
{
    for (int i = 0; i < phases; ++i) servers.push_back(slidingCounter(rate, rate.window * i / phases));
}

Servers plainServers(Rate rate)
{
    Servers servers;
    addFixedWindows(servers, rate);
    servers.push_back(firstHitWindow(rate));
    servers.push_back(slidingLog(rate));
    servers.push_back(slidingLogOfAll(rate));
    servers.push_back(tokenBucket(rate, rate.limit));
    return servers;
}

Servers strictServers(Rate rate)
{
    Servers servers = plainServers(rate);
    addSlidingCounters(servers, rate);
    servers.push_back(tokenBucket(rate, rate.limit / 5));
    return servers;
}

} // namespace tollgate::simulation
