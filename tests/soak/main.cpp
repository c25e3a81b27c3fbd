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
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <string_view>
#include <vector>

namespace {

using tollgate::transport::test::Authority;

constexpr const char* tunables = "GLIBC_TUNABLES";
constexpr const char* withoutCaches = "glibc.malloc.tcache_count=0";

/// Whether the heap shows what the program holds. A sanitizer keeps what is freed; and of 150 threads each would come to hold up
/// to seven freed blocks of each size in the C library, which looks like a leak for the first millions of requests and hides one.
bool memoryTells()
{
#if defined(TOLLGATE_TESTS_WITH_ASAN) || defined(TOLLGATE_TESTS_WITH_TSAN)
    return false;
#else
    const char* set = std::getenv(tunables);
    return set && std::string_view(set) == withoutCaches;
#endif
}

/// Starts the program anew without these caches, unless the variable says what to do.
void startWithoutThreadCaches(char** argv)
{
    if (std::getenv(tunables)) return;
    ::setenv(tunables, withoutCaches, 1);
    ::execv("/proc/self/exe", argv);
    ::unsetenv(tunables);
    std::cerr << "soak: cannot start anew without the allocator's caches, so memory is not judged\n";
}

/// What the process holds.
struct Held
{
    long rss = 0;  ///< KiB
    long heap = 0; ///< of it, what is allocated and not freed; KiB
    long descriptors = 0;
    long threads = 0;
};

long entriesOf(const char* folder)
{
    return static_cast<long>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

/// When no more descriptors and threads are there than `most`, or after ten seconds: connections end on the server's threads a
/// moment after the client closed them.
Held look(const Held& most)
{
    Held held;
    for (int i = 0; i < 100; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        held.descriptors = entriesOf("/proc/self/fd");
        held.threads = entriesOf("/proc/self/task");
        if (held.descriptors <= most.descriptors && held.threads <= most.threads) break;
    }
    ::malloc_trim(0);
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> held.rss;
    held.rss *= ::sysconf(_SC_PAGESIZE) / 1024;
    held.heap = static_cast<long>(::mallinfo2().uordblks / 1024);
    return held;
}

/// By how much the line through the later half of the samples rises from its first to its last one (least squares).
double riseOf(const std::vector<Held>& samples, long Held::*what)
{
    const std::size_t from = samples.size() / 2;
    const double n = static_cast<double>(samples.size() - from);
    double x = 0, y = 0, xx = 0, xy = 0;
    for (std::size_t i = from; i < samples.size(); ++i) {
        const double at = static_cast<double>(i - from), value = static_cast<double>(samples[i].*what);
        x += at, y += value, xx += at * at, xy += at * value;
    }
    return (n * xy - x * y) / (n * xx - x * x) * (n - 1);
}

} // namespace

int main(int argc, char** argv)
{
    startWithoutThreadCaches(argv);
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
    constexpr long any = std::numeric_limits<long>::max();
    Held most;
    const auto started = std::chrono::steady_clock::now();
    fmt::print("{:>10} {:>9} {:>9} {:>9} {:>5} {:>8}  outcomes\n", "requests", "per s", "RSS KiB", "heap KiB", "fds", "threads");
    for (unsigned tenth = 0; tenth < 10; ++tenth) {
        load.run(requests * (tenth + 1) / 10 - requests * tenth / 10);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
        // A cancelled call costs its thread an event descriptor and the next call makes one anew, so the count goes up and down
        // by a few: the later half must stay within what the first half had.
        samples.push_back(look(tenth < 5 ? Held{0, 0, any, any} : most));
        if (tenth < 5) {
            most.descriptors = std::max(most.descriptors, samples.back().descriptors);
            most.threads = std::max(most.threads, samples.back().threads);
        }
        std::string outcomes;
        for (const auto& [name, count] : load.tally()) outcomes += fmt::format("{} {}, ", name, count);
        outcomes.resize(outcomes.size() - 2);
        fmt::print("{:>10} {:>9.0f} {:>9} {:>9} {:>5} {:>8}  {}\n", load.calls(), static_cast<double>(load.calls()) / seconds,
                   samples.back().rss, samples.back().heap, samples.back().descriptors, samples.back().threads, outcomes);
        std::cout.flush();
    }
    const Held& first = samples.front();
    const Held& last = samples.back();
    const std::uint64_t lost = load.calls() - load.outcomes();
    // What rejected versions of a key leave is kept for 256 of them, and a sample may catch a buffer more than the one before.
    constexpr double heapBound = 96, rssBound = 512; // KiB over the last half
    const double heapRise = memoryTells() ? riseOf(samples, &Held::heap) : 0;
    const double rssRise = memoryTells() ? riseOf(samples, &Held::rss) : 0;
    const bool grows = heapRise > heapBound || rssRise > rssBound;
    if (grows)
        fmt::print("memory grows over the last half: {:.0f} KiB allocated ({} allowed), {:.0f} KiB resident ({} allowed)\n",
                   heapRise, heapBound, rssRise, rssBound);
    if (lost > 0) fmt::print("calls without an outcome: {}\n", lost);
    fmt::print("soak: {} requests, after warm-up: allocated {:+} KiB, resident {:+} KiB, descriptors {:+}, threads {:+}\n",
               load.calls(), last.heap - first.heap, last.rss - first.rss, last.descriptors - first.descriptors,
               last.threads - first.threads);
    return grows || lost > 0 || last.descriptors > most.descriptors || last.threads > most.threads ? 1 : 0;
}
