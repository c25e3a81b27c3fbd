#include "CsvReader.h"

#include <fmt/format.h>

namespace tollgate::command {

namespace {
constexpr int endOfFile = std::streambuf::traits_type::eof();
}

CsvReader::CsvReader(std::istream& input) : _buffer(input.rdbuf())
{
    CsvRow mark;
    if (peek() != 0xEF) return; // a byte order mark is EF BB BF, and no address or name begins with that byte
    for (int i = 0; i < 3; ++i) take(mark);
}

// One byte, all line ends as a line feed.
int CsvReader::take(CsvRow& row)
{
    int c = _buffer->sbumpc();
    if (c == endOfFile) return c;
    ++_position;
    if (c == '\r') {
        if (peek() == '\n') {
            _buffer->sbumpc();
            ++_position;
        }
        c = '\n';
    }
    if (c == '\n') ++_line;
    if (row.raw.size() < maxRecord) row.raw += static_cast<char>(c);
    return c;
}

bool CsvReader::next(CsvRow& row)
{
    do {
        if (peek() == endOfFile) return false;
        row.line = _line;
        row.raw.clear();
        row.problem.clear();
        row.fields.clear();
        readRecord(row);
        if (row.raw.empty() || row.raw.back() != '\n') row.raw += '\n';
        row.lastLine = row.line < _line ? _line - 1 : _line;
    } while (row.raw == "\n");
    return true;
}

void CsvReader::readRecord(CsvRow& row)
{
    _recordEnd = false;
    while (!_recordEnd) {
        row.fields.emplace_back();
        if (peek() == '"')
            readQuoted(row);
        else
            readPlain(row);
    }
}

// Each of these two reads one field with the comma or the line end after it.

void CsvReader::readPlain(CsvRow& row)
{
    std::string& field = row.fields.back();
    for (;;) {
        const int c = take(row);
        if (c == ',') return;
        if (c == '\n' || c == endOfFile) {
            _recordEnd = true;
            return;
        }
        if (c == '"') return refuse(row, "a quote stands inside a field that does not begin with one");
        if (row.raw.size() >= maxRecord) return refuse(row, "the row is longer than 1 MiB");
        field += static_cast<char>(c);
    }
}

void CsvReader::readQuoted(CsvRow& row)
{
    std::string& field = row.fields.back();
    const std::size_t opened = _line;
    take(row);
    for (;;) {
        int c = take(row);
        if (c == endOfFile || row.raw.size() >= maxRecord)
            return refuse(row, fmt::format("the quote that is opened in line {} is never closed", opened));
        if (c == '"' && peek() == '"') {
            take(row);
            field += '"';
        } else if (c == '"') {
            c = take(row);
            _recordEnd = c == '\n' || c == endOfFile;
            if (!_recordEnd && c != ',')
                refuse(row, fmt::format("there is text after the quote that closes the field opened in line {}", opened));
            return;
        } else
            field += static_cast<char>(c);
    }
}

// Passes over the rest of the line, and takes the record for ended.
void CsvReader::refuse(CsvRow& row, std::string problem)
{
    row.problem = std::move(problem);
    const bool atLineEnd = !row.raw.empty() && row.raw.back() == '\n' && row.raw.size() < maxRecord;
    for (int c = atLineEnd ? '\n' : take(row); c != '\n' && c != endOfFile;) c = take(row);
    _recordEnd = true;
}

} // namespace tollgate::command
