#pragma once

#include "tollgate/Clock.h"

#include <cstdint>
#include <string>

namespace tollgate::command {

/// How far an import is.
struct Progress
{
    std::uint64_t rows = 0;   ///< done, good or bad
    std::uint64_t failed = 0; ///< of these
    Duration waited{};        ///< for the limit
    double part = 0;          ///< of the file, 0 to 1
};

/// Shows progress on standard error: a bar that is redrawn on a terminal, as wide as the terminal allows; else a line now and
/// then.
class ProgressLine
{
public:
    ProgressLine();
    ~ProgressLine() { clear(); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const Progress& progress, bool now = false);
    /// Prints a line of its own without disturbing the bar.
    void note(const std::string& line);
    /// Takes the bar away.
    void clear();

    /// The bar with its figures, at most `width` columns.
    static std::string render(const Progress& progress, double rowsPerSecond, std::size_t width);

private:
    bool _terminal;
    bool _drawn = false;
    TimePoint _started;
    TimePoint _nextShow;
};

} // namespace tollgate::command
