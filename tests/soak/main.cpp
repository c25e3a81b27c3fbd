#include "FaultServer.h"
#include "Load.h"

#include "support/Sanitizers.h"
#include "transport/Certificates.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

namespace {

using tollgate::transport::test::Authority;

#if defined(TOLLGATE_TESTS_WITH_ASAN) || defined(TOLLGATE_TESTS_WITH_TSAN)
constexpr bool memoryTells = false; ///< a sanitizer keeps what is freed
#else
constexpr bool memoryTells = true;
#endif

/// What the process holds.
struct Held
{
    long rss = 0; ///< KiB
    long descriptors = 0;
    long threads = 0;
};

long entriesOf(const char* folder)
{
    return static_cast<long>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

Held look()
{
    // Connections end on the server's threads a moment after the client closed them.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ::malloc_trim(0);
    long pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return {resident * (::sysconf(_SC_PAGESIZE) / 1024), entriesOf("/proc/self/fd"), entriesOf("/proc/self/task")};
}

/// By how much the line through the later half of the samples rises from its first to its last one (least squares).
double riseOf(const std::vector<Held>& samples)
{
    const std::size_t from = samples.size() / 2;
    const double n = static_cast<double>(samples.size() - from);
    double x = 0, y = 0, xx = 0, xy = 0;
    for (std::size_t i = from; i < samples.size(); ++i) {
        const double at = static_cast<double>(i - from), value = static_cast<double>(samples[i].rss);
        x += at, y += value, xx += at * at, xy += at * value;
    }
    return (n * xy - x * y) / (n * xx - x * x) * (n - 1);
}

} // namespace

int main(int argc, char** argv)
{
    std::uint64_t requests = 1'000'000, seed = 1;
    CLI::App app(
        "Sends requests through tollgate to servers of its own, with faults of all kinds mixed in, and watches that memory, "
        "descriptors and threads stay flat. A million requests, the default, are what a busy program sends in 24 hours: 12 a "
        "second. Exit status 1: something grew, or a call had no outcome.");
    app.add_option("--requests", requests, "How many")
        ->check(CLI::Range(std::uint64_t{1'000}, std::uint64_t{1'000'000'000}))
        ->capture_default_str();
    app.add_option("--seed", seed, "Which faults come when")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    ::mallopt(M_ARENA_MAX, 2); // else each new arena looks like growth
    const Authority trusted, unknown;
    const auto good = trusted.serve("IP:127.0.0.1"), bad = unknown.serve("IP:127.0.0.1");
    tollgate::soak::FaultServer plain(nullptr, 40), secure(good.get(), 40), stranger(bad.get(), 8);
    for (SSL_CTX* context : {good.get(), bad.get()}) SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    tollgate::soak::Load load({plain.url(), secure.url(), stranger.url(), trusted.file()}, seed);

    load.warmUp();
    std::vector<Held> samples;
    const auto started = std::chrono::steady_clock::now();
    fmt::print("{:>10} {:>9} {:>9} {:>5} {:>8}  outcomes\n", "requests", "per s", "RSS KiB", "fds", "threads");
    for (unsigned tenth = 0; tenth < 10; ++tenth) {
        load.run(requests * (tenth + 1) / 10 - requests * tenth / 10);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
        samples.push_back(look());
        std::string outcomes;
        for (const auto& [name, count] : load.tally()) outcomes += fmt::format("{} {}, ", name, count);
        outcomes.resize(outcomes.size() - 2);
        fmt::print("{:>10} {:>9.0f} {:>9} {:>5} {:>8}  {}\n", load.calls(), static_cast<double>(load.calls()) / seconds,
                   samples.back().rss, samples.back().descriptors, samples.back().threads, outcomes);
        std::cout.flush();
    }
    const Held& first = samples.front();
    const Held& last = samples.back();
    const std::uint64_t lost = load.calls() - load.outcomes();
    // Memory that threads come to use, and holes between what was freed: below a MiB and a byte a request. A leak is more.
    const double bound = 1024 + static_cast<double>(requests) / 1024;
    const double rise = memoryTells ? riseOf(samples) : 0;
    if (rise > bound) fmt::print("memory grows: {:.0f} KiB over the last half, {:.0f} allowed\n", rise, bound);
    if (lost > 0) fmt::print("calls without an outcome: {}\n", lost);
    fmt::print("soak: {} requests, RSS grew by {} KiB after warm-up, descriptors {:+}, threads {:+}\n", load.calls(),
               last.rss - first.rss, last.descriptors - first.descriptors, last.threads - first.threads);
    return rise > bound || lost > 0 || last.descriptors > first.descriptors || last.threads > first.threads ? 1 : 0;
}
