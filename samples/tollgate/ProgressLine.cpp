#include "ProgressLine.h"

#include "Control.h"
#include "Quantities.h"
#include "Utf8.h"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace tollgate::command {

namespace {

constexpr auto redrawEvery = std::chrono::milliseconds(100);
constexpr auto lineEvery = std::chrono::seconds(5);

std::size_t terminalWidth()
{
    winsize size = {};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

std::string figures(const Progress& progress, double rowsPerSecond)
{
    std::string text = fmt::format("{} rows, {} failed, {:.0f} rows/s", progress.rows, progress.failed, rowsPerSecond);
    if (progress.waited > std::chrono::milliseconds(50)) text += fmt::format(", waited {}", readable(progress.waited));
    return text;
}

} // namespace

ProgressLine::ProgressLine()
    : _terminal(::isatty(STDERR_FILENO) != 0)
    , _started(std::chrono::steady_clock::now())
    , _nextShow(_started)
{}

std::string ProgressLine::render(const Progress& progress, double rowsPerSecond, std::size_t width)
{
    const double part = std::clamp(progress.part, 0.0, 1.0);
    std::string text = fmt::format("{:3.0f}%  {}", part * 100, figures(progress, rowsPerSecond));
    const std::size_t used = columnsOf(text) + 3; // two brackets and a blank
    if (used + 5 > width) return text.substr(0, width);
    const std::size_t cells = std::min<std::size_t>(width - used, 40);
    const auto full = static_cast<std::size_t>(part * static_cast<double>(cells));
    return fmt::format("[{}{}] {}", std::string(full, '#'), std::string(cells - full, '.'), text);
}

void ProgressLine::show(const Progress& progress, bool now)
{
    const auto at = std::chrono::steady_clock::now();
    if (!now && at < _nextShow) return;
    const double seconds = std::max(0.001, std::chrono::duration<double>(at - _started).count());
    const double rate = static_cast<double>(progress.rows) / seconds;
    if (_terminal) {
        _nextShow = at + redrawEvery;
        _drawn = true;
        writeAll(STDERR_FILENO, "\r\x1b[K" + render(progress, rate, terminalWidth() - 1)); // the last column would wrap
    } else {
        _nextShow = at + lineEvery;
        writeAll(STDERR_FILENO, figures(progress, rate) + '\n');
    }
}

void ProgressLine::note(const std::string& line)
{
    clear();
    writeAll(STDERR_FILENO, line + '\n');
}

void ProgressLine::clear()
{
    if (!_drawn) return;
    writeAll(STDERR_FILENO, "\r\x1b[K");
    _drawn = false;
}

} // namespace tollgate::command
