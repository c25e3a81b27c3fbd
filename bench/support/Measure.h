#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace tollgate::bench {

/// User and system time of this process so far.
std::chrono::microseconds cpuTime();

/// Resident memory of this process, now and at its peak.
std::size_t residentKiB();
std::size_t peakResidentKiB();

/// As many open files as the system lets this process have.
void raiseFileLimit();

/// One figure, as ./scripts/bench collects them.
struct Row
{
    std::string measure;
    std::string scheme = "http";
    std::string kind;
    double value = 0;
    std::string unit;
    std::string client = "tollgate";
    unsigned threads = 1;
};

/// Writes the row as one line of JSON to standard output.
void print(const Row& row);

} // namespace tollgate::bench
