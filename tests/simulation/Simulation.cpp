#include "simulation/Simulation.h"
#include "support/Sanitizers.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iostream>
#include <queue>

#if defined(TOLLGATE_TESTS_WITH_ASAN) || defined(TOLLGATE_TESTS_WITH_TSAN) || !defined(NDEBUG)
#define TOLLGATE_SLOW_BUILD
#endif

namespace tollgate::simulation {

namespace {

struct Flight
{
    PermitId permit = 0;
    unsigned weight = 1;
    bool accepted = true;
    bool sentLater = false; ///< than the first 429 was known
    int open = 2;           ///< it is over when it has arrived and been answered or given up
    ServerHint hint;
};

struct Event
{
    enum class Kind : std::uint8_t
    {
        Demand,
        Wake,
        Arrival,
        Answer,
        GivenUp
    };
    Nanos at = 0;
    std::uint64_t order = 0;
    Kind kind{};
    std::uint32_t flight = 0;

    bool operator<(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
};

class Simulation
{
public:
    Simulation(Limiter& limiter, Servers& servers, const Run& run)
        : _limiter(limiter)
        , _servers(servers)
        , _run(run)
        , _clock(run.network.clockRate)
        , _random(run.seed)
    {
        _report.refused.resize(servers.size());
    }

    Report operator()()
    {
        schedule(Event::Kind::Demand, 0);
        while (!_events.empty()) {
            const Event event = _events.top();
            _events.pop();
            _now = event.at;
            handle(event);
        }
        _report.elapsed = _lastGo;
        if (_lastGo > _steadySince)
            _report.utilisation = static_cast<double>(_weight - _steadyWeight) / _run.rate.limit *
                                  static_cast<double>(_run.rate.window) / static_cast<double>(_lastGo - _steadySince);
        return _report;
    }

private:
    void schedule(Event::Kind kind, Nanos at, std::uint32_t flight = 0) { _events.push({at, ++_order, kind, flight}); }

    void handle(const Event& event)
    {
        switch (event.kind) {
        case Event::Kind::Demand: join(); break;
        case Event::Kind::Wake:
            if (event.at != _wake) return;
            _wake = -1;
            break;
        case Event::Kind::Arrival: arrive(event.flight); return;
        case Event::Kind::Answer: settle(event.flight); break;
        case Event::Kind::GivenUp: giveUp(event.flight); break;
        }
        go();
    }

    /// Callers get in line: in bursts of up to two windows' worth, at nine tenths of the limit all in all, and now and then none
    /// for a long time.
    void join()
    {
        if (!_run.bursty) {
            _line.assign(1, drawWeight());
            return;
        }
        if (_report.sent + _line.size() >= _run.requests) return;
        const auto size = static_cast<unsigned>(_random.between(1, 2 * static_cast<Nanos>(_run.rate.limit)));
        std::uint64_t ahead = 0;
        for (const unsigned weight : _line) ahead += weight;
        for (unsigned i = 0; i < size;) {
            const unsigned weight = drawWeight();
            if (_run.onJoin) _run.onJoin(_clock.at(_now), weight, ahead);
            _line.push_back(weight);
            ahead += weight;
            i += weight;
        }
        const Nanos gap = _random.exponential(_run.rate.window * 11 / 10) * (_random.chance(0.03) ? 5 : 1);
        schedule(Event::Kind::Demand, _now + gap + 1);
    }

    unsigned drawWeight()
    {
        return _run.maxWeight == 1 ? 1 : static_cast<unsigned>(_random.between(1, static_cast<Nanos>(_run.maxWeight) + 1));
    }

    void go()
    {
        while (!_line.empty() && _report.sent < _run.requests) {
            const TimePoint shown = _clock.at(_now);
            const unsigned weight = _line.front();
            const Limiter::Verdict verdict = _limiter.ask(shown, weight);
            if (!verdict.go) {
                const Nanos wake = std::max(_now + 1, _clock.whenItShows(shown + verdict.wait));
                if (wake == _wake) return;
                _wake = wake;
                schedule(Event::Kind::Wake, wake);
                return;
            }
            if (_run.onGo) _run.onGo(shown, weight);
            send(verdict.permit, weight);
            _line.pop_front();
            if (!_run.bursty) _line.push_back(drawWeight());
        }
    }

    void send(PermitId permit, unsigned weight)
    {
        ++_report.sent;
        _lastGo = _now;
        _weight += weight;
        if (_weight <= std::uint64_t{2} * _run.rate.limit) {
            _steadySince = _now;
            _steadyWeight = _weight;
        }

        const std::uint32_t flight = freeFlight();
        _flights[flight] = {permit, weight, true, _knowsRefusal, 2, {}};
        const Nanos there = _run.network.wayThere(_random);
        const Nanos back = _run.network.wayBack(_random);
        const bool lost = there + back > Network::patience || _random.chance(_run.network.lostAnswer);
        schedule(Event::Kind::Arrival, _now + there, flight);
        if (lost)
            schedule(Event::Kind::GivenUp, _now + Network::patience, flight);
        else
            schedule(Event::Kind::Answer, _now + there + back, flight);
    }

    std::uint32_t freeFlight()
    {
        if (_free.empty()) {
            _flights.emplace_back();
            return static_cast<std::uint32_t>(_flights.size() - 1);
        }
        const std::uint32_t flight = _free.back();
        _free.pop_back();
        return flight;
    }

    void arrive(std::uint32_t number)
    {
        Flight& flight = _flights[number];
        for (std::size_t i = 0; i < _servers.size(); ++i) {
            if (_servers[i]->accepts(_now, flight.weight)) continue;
            ++_report.refused[i];
            flight.accepted = false;
        }
        if (!flight.accepted && flight.sentLater) ++_report.refusedLater;
        flight.hint = _servers.front()->hint(_now, flight.accepted);
        land(number);
    }

    void settle(std::uint32_t number)
    {
        const Flight flight = _flights[number];
        _knowsRefusal = _knowsRefusal || !flight.accepted;
        _limiter.answered(_clock.at(_now), flight.permit, flight.weight, {flight.accepted ? 200 : 429, flight.hint, false});
        land(number);
    }

    void giveUp(std::uint32_t number)
    {
        ++_report.lost;
        _limiter.abandoned(_clock.at(_now), _flights[number].permit, _flights[number].weight);
        land(number);
    }

    void land(std::uint32_t number)
    {
        if (--_flights[number].open == 0) _free.push_back(number);
    }

    Limiter& _limiter;
    Servers& _servers;
    const Run& _run;
    ClientClock _clock;
    Random _random;
    std::priority_queue<Event> _events;
    std::uint64_t _order = 0;
    Nanos _now = 0;
    Nanos _wake = -1;
    std::deque<unsigned> _line; ///< weights
    std::vector<Flight> _flights;
    std::vector<std::uint32_t> _free;
    bool _knowsRefusal = false;
    Nanos _lastGo = 0;
    std::uint64_t _weight = 0;
    Nanos _steadySince = 0; ///< what goes at once at the start, and what it leaves behind, is no measure
    std::uint64_t _steadyWeight = 0;
    Report _report;
};

std::uint64_t counted = 0;

/// Says at the end what the program has shown.
struct Summary
{
    ~Summary()
    {
#ifdef TOLLGATE_SLOW_BUILD
        std::cout << "(a tenth of the full number: this build is a slow one)\n";
#endif
        std::cout << "simulated requests: " << counted << std::endl;
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Summary);

} // namespace

Report simulate(Limiter& limiter, Servers& servers, const Run& run)
{
    Report report = Simulation(limiter, servers, run)();
    count(report.sent);
    return report;
}

std::uint64_t scaled(std::uint64_t requests)
{
#ifdef TOLLGATE_SLOW_BUILD
    return requests / 10;
#else
    return requests;
#endif
}

void count(std::uint64_t requests) { counted += requests; }

} // namespace tollgate::simulation
