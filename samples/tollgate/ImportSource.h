#pragma once

#include "CsvReader.h"
#include "SubscriberColumns.h"

#include "tollgate/providers/BentoTypes.h"

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::command {

/// Reads subscribers from a CSV file one by one, tells of bad rows, and knows which line a row came from.
class ImportSource
{
public:
    /// Called for each bad row.
    using OnBad = std::function<void(const CsvRow& row, const std::string& reason)>;

    /// Opens the file and reads its header. Throws InvalidRequest if it cannot be read or a column is missing, and UsageError.
    ImportSource(const std::string& path, const std::string& mapping, std::size_t fromLine, OnBad onBad);

    /// The next good row.
    std::optional<bento::SubscriberRow> next();

    /// The line on which row number `row` (from 0, good rows only) begins; for a row not read yet, the line read next.
    std::size_t lineOf(std::size_t row) const noexcept;

    std::uint64_t good() const noexcept { return _good; }
    std::uint64_t bad() const noexcept { return _bad; }
    /// How much of the file is read, 0 to 1.
    double part() const noexcept;

private:
    std::ifstream _file;
    CsvReader _reader;
    SubscriberColumns _columns;
    std::size_t _fromLine;
    OnBad _onBad;
    CsvRow _row;
    std::uint64_t _size = 0;
    std::uint64_t _good = 0, _bad = 0;
    // Only rows that do not follow on the next line are noted: (row, line). Memory stays flat for ordinary files.
    std::vector<std::pair<std::size_t, std::size_t>> _jumps;
};

} // namespace tollgate::command
