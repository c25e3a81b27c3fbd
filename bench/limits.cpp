// bench-limits: what a permit costs, apart from the request. Two limits, 100 a minute and 1,000 an hour, unless a row says
// otherwise.
//
//   bench-limits [--quick]   one row of JSON a figure

#include "support/Measure.h"

#include "limits/Admission.h"
#include "tollgate/testing/ScriptedTransport.h"
#include "tollgate/testing/VirtualClock.h"
#include "tollgate/tollgate.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <iostream>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace tollgate;
using namespace std::chrono_literals;
using Stopwatch = std::chrono::steady_clock;

const std::vector<RateLimitPolicyPtr> twoLimits{perMinute(100), perHour(1000)};

void row(const char* measure, const std::string& kind, double value, const char* unit, unsigned threads = 1)
{
    bench::Row result;
    result.measure = measure;
    result.kind = kind;
    result.value = value;
    result.unit = unit;
    result.threads = threads;
    print(result);
}

double middleOf(std::vector<double>& values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// The average without the slowest tenth: interruptions. (The middle one would be a multiple of the clock's tick.)
double usual(std::vector<double>& values)
{
    std::sort(values.begin(), values.end());
    values.resize(values.size() * 9 / 10);
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Nanoseconds a call of `job`: the middle one of nine rounds, so that neither the best nor the worst moment counts.
template <class Job>
double nanosEach(unsigned count, const Job& job)
{
    std::vector<double> rounds;
    for (int round = 0; round < 9; ++round) {
        const auto start = Stopwatch::now();
        for (unsigned i = 0; i < count; ++i) job();
        rounds.push_back(std::chrono::duration<double, std::nano>(Stopwatch::now() - start).count() / count);
    }
    return middleOf(rounds);
}

/// An account in the middle of its work: a request every 3.7 s, so nearly a thousand in the hour's log.
struct Traffic
{
    explicit Traffic(std::vector<RateLimitPolicyPtr> all = twoLimits, Duration every = 3700ms)
        : limits(std::move(all))
        , step(every)
    {
        for (int i = 0; i < 3000; ++i) settle(acquire());
    }

    limits::Ask ask() const { return {limits, lockout, noVersion, 1, 0, 30s, 0, {}}; }
    PermitId acquire()
    {
        const limits::Admission admission = limits::admit(state, ask(), now += step);
        if (admission.kind != limits::Admission::Kind::Granted) throw std::logic_error("not granted");
        return admission.permit;
    }
    void settle(PermitId permit) { limits::settleAnswered(state, ask(), permit, {200, {}, false}, now); }

    std::vector<RateLimitPolicyPtr> limits;
    Duration step;
    LockoutPolicy lockout;
    std::string noVersion;
    QuotaState state;
    TimePoint now{1000h};
};

void permits(unsigned count)
{
    // One request after the other, the three stretches side by side, so that a busy machine does not shift one figure against
    // another. Each holds one clock read, which is taken off.
    Traffic traffic;
    std::vector<double> reading, acquiring, settling;
    const auto nanos = [](Stopwatch::time_point from, Stopwatch::time_point to) {
        return std::chrono::duration<double, std::nano>(to - from).count();
    };
    for (unsigned i = 0; i < count; ++i) {
        const auto start = Stopwatch::now();
        const auto read = Stopwatch::now();
        const PermitId permit = traffic.acquire();
        const auto acquired = Stopwatch::now();
        traffic.settle(permit);
        const auto settled = Stopwatch::now();
        reading.push_back(nanos(start, read));
        acquiring.push_back(nanos(read, acquired));
        settling.push_back(nanos(acquired, settled));
    }
    const double clock = usual(reading);
    row("steady_clock::now()", "", clock, "ns");
    const auto ratio = [clock](const char* kind, double time) {
        row("permit", kind, time, "ns");
        row("permit, in steady_clock::now()", kind, time / clock, "x");
    };
    ratio("decide and take, two limits", usual(acquiring) - clock);
    ratio("answered, two limits", usual(settling) - clock);

    // With lookup, lock and clock, as the pipeline calls it. A large limit, since real time does not step by 3.7 s.
    const std::vector<RateLimitPolicyPtr> wide{perMinute(100'000'000), perHour(1'000'000'000)};
    const auto storeRow = [&](const char* kind, unsigned accounts) {
        const auto store = QuotaStore::inProcess(Clock::system());
        std::vector<QuotaKey> keys;
        for (unsigned i = 0; i < accounts; ++i) keys.emplace_back("https://api.example.com", "account " + std::to_string(i));
        const LockoutPolicy lockout;
        const std::string noVersion;
        const limits::Ask ask{wide, lockout, noVersion, 1, 0, 30s, 0, {}};
        unsigned next = 0;
        const auto one = [&] {
            next = next * 1103515245U + 12345U;
            const QuotaKey& key = keys[(next >> 8U) % accounts];
            store->update(key, [&ask](QuotaState& state, TimePoint now) {
                const limits::Admission admission = limits::admit(state, ask, now);
                limits::settleAbandoned(state, ask, admission.permit, Delivery::NotSent, now); // so that no log grows
            });
        };
        for (unsigned i = 0; i < 2 * accounts; ++i) one();
        ratio(kind, nanosEach(count, one));
    };
    storeRow("store update: taken and given back, 1 account", 1);
    storeRow("store update: taken and given back, 10,000 accounts", 10'000);
}

/// What Adaptive adds: the test of all phases over a full log.
void adaptiveCheck(unsigned requests, Duration window, unsigned count)
{
    const RateLimitPolicyPtr limit = WindowLimit(requests, window).shape(Shape::Adaptive);
    const Traffic traffic({limit}, window * 102 / 100 / requests);
    const LimitState& state = traffic.state.limits.at(limit->id());
    TimePoint now = traffic.now;
    row("Adaptive check", "N = " + std::to_string(requests),
        nanosEach(count,
                  [&] {
                      now += 1ns;
                      if (limit->decide(state, now, 1, 0) < Duration::zero()) throw std::logic_error("negative wait");
                  }),
        "ns");
}

/// Many calls in line on a virtual clock: from the first join to the last answer, a call.
double microsEachOf(unsigned calls)
{
    const auto clock = testing::VirtualClock::create();
    const auto transport = testing::ScriptedTransport::create(clock);
    transport->otherwise([](Exchange&) {
        ResponseHead head;
        head.status = 200;
        return Response(head, std::string());
    });
    const Client api = Client::to("https://api.example.com/v1")
                           .transport(transport)
                           .limit(WindowLimit(100, 1s))
                           .queueLimit(calls + 1)
                           .timeout(std::chrono::hours(24 * 30))
                           .build();
    std::atomic<unsigned> left{calls};
    std::atomic<unsigned> failed{0};
    const auto start = Stopwatch::now();
    clock->run({[&] {
        const auto parker = clock->parker();
        for (unsigned i = 0; i < calls; ++i) {
            api.sendAsync(api.get("/x"), [&](const Result<Response>& result) {
                if (!result) ++failed;
                if (--left == 0) parker->unpark();
            });
        }
        while (left > 0) parker->park(never);
    }});
    const double micros = std::chrono::duration<double, std::micro>(Stopwatch::now() - start).count();
    if (failed > 0) throw std::runtime_error("calls failed");
    return micros / calls;
}

/// How long a call that waits for a permit is still there after its cancellation, on the real clock.
void cancelledWaiter(unsigned count)
{
    const auto transport = testing::ScriptedTransport::create();
    transport->answer(200);
    const Client api =
        Client::to("https://api.example.com/v1").transport(transport).limit(WindowLimit(1, 1h)).timeout(10h).build();
    api.get("/x").send();
    std::vector<double> micros;
    for (unsigned i = 0; i < count; ++i) {
        CancellationSource source;
        std::promise<Stopwatch::time_point> gone;
        api.sendAsync(api.get("/x").cancellation(source.token()), [&](const Result<Response>& result) {
            if (result) std::terminate(); // it could not go
            gone.set_value(Stopwatch::now());
        });
        auto left = gone.get_future();
        if (left.wait_for(2ms) == std::future_status::ready) throw std::runtime_error("it did not wait");
        const auto start = Stopwatch::now();
        source.cancel();
        micros.push_back(std::chrono::duration<double, std::micro>(left.get() - start).count());
    }
    std::sort(micros.begin(), micros.end());
    row("cancelled waiter gone", "middle", micros[micros.size() / 2], "us");
    row("cancelled waiter gone", "99 of 100", micros[micros.size() * 99 / 100], "us");
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
        const unsigned count = quick ? 10'000 : 200'000;
        permits(count);
        adaptiveCheck(100, 1min, count / 20);
        adaptiveCheck(1000, 1h, count / 100);
        const unsigned many = quick ? 10'000 : 100'000;
        std::vector<double> few; // the middle of several, since one takes no longer than a hiccup
        for (int i = 0; i < 15; ++i) few.push_back(microsEachOf(1'000));
        row("call through the line", "1000 waiting", middleOf(few), "us");
        row("call through the line", std::to_string(many) + " waiting", microsEachOf(many), "us");
        cancelledWaiter(quick ? 100 : 500);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench-limits: " << error.what() << '\n';
        return 1;
    }
}
