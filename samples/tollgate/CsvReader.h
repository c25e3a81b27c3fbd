#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace tollgate::command {

/// One record of a CSV file.
struct CsvRow
{
    std::size_t line = 0;            ///< where it begins, from 1
    std::size_t lastLine = 0;        ///< where it ends: later, if a field holds line breaks
    std::vector<std::string> fields; ///< without their quotes
    std::string raw;                 ///< as it stands in the file, with one line feed at its end
    std::string problem;             ///< why it cannot be read; empty: it could
};

/// Reads CSV as RFC 4180 has it: quoted fields with commas, quotes and line breaks in them; CR LF, LF or CR; a byte order mark at
/// the start and blank lines are passed over. A record that breaks the rules is reported and reading goes on at the next line.
/// Holds one record at a time, at most 1 MiB of it. (No CSV library for C++ is packaged by Debian that would be worth depending
/// on.)
class CsvReader
{
public:
    static constexpr std::size_t maxRecord = 1024 * 1024;

    explicit CsvReader(std::istream& input);

    /// The next record; false at the end.
    bool next(CsvRow& row);

    /// The line that is read next.
    std::size_t line() const noexcept { return _line; }
    /// Bytes read so far, for a progress bar.
    std::uint64_t position() const noexcept { return _position; }

private:
    void readRecord(CsvRow& row);
    void readQuoted(CsvRow& row);
    void readPlain(CsvRow& row);
    void refuse(CsvRow& row, std::string problem);
    int take(CsvRow& row);
    int peek() { return _buffer->sgetc(); }

    std::streambuf* _buffer;
    std::size_t _line = 1;
    std::uint64_t _position = 0;
    bool _recordEnd = false;
};

} // namespace tollgate::command
