#include "support/Measure.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace tollgate::bench {

namespace {

std::chrono::microseconds micros(const timeval& time)
{
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

rusage usage()
{
    rusage result{};
    getrusage(RUSAGE_SELF, &result);
    return result;
}

} // namespace

std::chrono::microseconds cpuTime()
{
    const auto now = usage();
    return micros(now.ru_utime) + micros(now.ru_stime);
}

std::size_t residentKiB()
{
    std::size_t total = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

std::size_t peakResidentKiB() { return static_cast<std::size_t>(usage().ru_maxrss); }

void raiseFileLimit()
{
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void print(const Row& row)
{
    fmt::print(
        R"({{"measure": "{}", "client": "{}", "scheme": "{}", "kind": "{}", "threads": {}, "value": {:.6g}, "unit": "{}", )"
        R"("ratio_to": null}})"
        "\n",
        row.measure, row.client, row.scheme, row.kind, row.threads, row.value, row.unit);
    std::fflush(stdout);
}

} // namespace tollgate::bench
