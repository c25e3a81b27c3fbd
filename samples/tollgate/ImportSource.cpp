#include "ImportSource.h"

#include "tollgate/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tollgate::command {

namespace {

std::ifstream openFile(const std::string& path)
{
    std::error_code ignored;
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path, ignored))
        throw InvalidRequest(fmt::format("{} cannot be read: {}", path,
                                         errno != 0 ? std::strerror(errno) : "it is a folder"), // NOLINT(concurrency-mt-unsafe)
                             "Check the path and its permissions. Nothing was imported.");
    return file;
}

CsvRow readHeader(CsvReader& reader, const std::string& path)
{
    CsvRow header;
    if (!reader.next(header))
        throw InvalidRequest(fmt::format("{} is empty: line 1 should name the columns", path),
                             "The first line names the columns; one of them is \"email\". Nothing was imported.");
    return header;
}

} // namespace

ImportSource::ImportSource(const std::string& path, const std::string& mapping, std::size_t fromLine, OnBad onBad)
    : _file(openFile(path))
    , _reader(_file)
    , _columns(readHeader(_reader, path), mapping, path)
    , _fromLine(fromLine)
    , _onBad(std::move(onBad))
{
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path, unknown);
    if (!unknown) _size = size;
}

std::optional<bento::SubscriberRow> ImportSource::next()
{
    while (_reader.next(_row)) {
        if (_row.line < _fromLine) continue;
        bento::SubscriberRow subscriber;
        const std::string reason = _columns.read(_row, subscriber);
        if (reason.empty()) {
            const std::size_t row = _good;
            if (row == 0 || lineOf(row - 1) + 1 != _row.line) _jumps.emplace_back(row, _row.line);
            ++_good;
            return subscriber;
        }
        ++_bad;
        if (_onBad) _onBad(_row, reason);
    }
    return std::nullopt;
}

std::size_t ImportSource::lineOf(std::size_t row) const noexcept
{
    if (row >= _good) return _reader.line();
    const auto after =
        std::upper_bound(_jumps.begin(), _jumps.end(), row, [](std::size_t r, const auto& jump) { return r < jump.first; });
    if (after == _jumps.begin()) return _reader.line();
    const auto& jump = *std::prev(after);
    return jump.second + (row - jump.first);
}

double ImportSource::part() const noexcept
{
    return _size == 0 ? 0 : static_cast<double>(_reader.position()) / static_cast<double>(_size);
}

} // namespace tollgate::command
