#pragma once

#include "stores/StateCodec.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace tollgate::stores {

/// Appends numbers and texts in few bytes. All is there once it is destroyed.
class ByteWriter
{
public:
    explicit ByteWriter(std::string& out) : _out(out) {}
    ~ByteWriter() { flush(); }
    ByteWriter(const ByteWriter&) = delete;
    ByteWriter& operator=(const ByteWriter&) = delete;

    void number(std::uint64_t value)
    {
        if (_used > sizeof(_buffer) - longest) flush();
        for (; value >= 0x80; value >>= 7) _buffer[_used++] = static_cast<char>(0x80 | (value & 0x7f));
        _buffer[_used++] = static_cast<char>(value);
    }

    /// Small either way from zero.
    void difference(std::int64_t value)
    {
        number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
    }

    void text(std::string_view value)
    {
        number(value.size());
        flush();
        _out.append(value);
    }

    /// As the difference to the time written last; all arithmetic wraps, so that every value survives.
    void time(TimePoint value)
    {
        const auto raw = static_cast<std::uint64_t>(value.time_since_epoch().count());
        difference(static_cast<std::int64_t>(raw - _time));
        _time = raw;
    }

private:
    static constexpr std::size_t longest = 10; ///< bytes of a number

    void flush()
    {
        _out.append(_buffer, _used);
        _used = 0;
    }

    std::string& _out;
    std::uint64_t _time = 0;
    std::size_t _used = 0;
    char _buffer[1024];
};

/// Reads them back. Throws SpoiledDocument instead of reading beyond the end.
class ByteReader
{
public:
    explicit ByteReader(std::string_view bytes) : _at(bytes.data()), _end(bytes.data() + bytes.size()) {}

    bool atEnd() const noexcept { return _at == _end; }
    std::string_view rest() const noexcept { return {_at, left()}; }

    std::uint64_t number()
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint64_t byte = octet();
            value |= (byte & 0x7f) << shift;
            if (byte < 0x80) {
                if (shift == 63 && byte > 1) break;
                return value;
            }
        }
        throw SpoiledDocument("a number is too long");
    }

    template <class Integer>
    Integer number(std::uint64_t most = std::numeric_limits<Integer>::max())
    {
        const std::uint64_t value = number();
        if (value > most) throw SpoiledDocument("a number is too large");
        return static_cast<Integer>(value);
    }

    std::int64_t difference()
    {
        const std::uint64_t value = number();
        return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
    }

    /// How many elements follow, each of at least `least` bytes: so no count makes us take memory that the bytes do not bear out.
    std::size_t count(std::size_t least)
    {
        const std::uint64_t value = number();
        if (value > left() / least) throw SpoiledDocument("a list is longer than the document");
        return static_cast<std::size_t>(value);
    }

    std::string_view view()
    {
        const std::size_t size = count(1);
        const std::string_view value(_at, size);
        _at += size;
        return value;
    }

    std::string text() { return std::string(view()); }

    TimePoint time()
    {
        _time += static_cast<std::uint64_t>(difference());
        return TimePoint(Duration(static_cast<std::int64_t>(_time)));
    }

private:
    std::size_t left() const noexcept { return static_cast<std::size_t>(_end - _at); }

    std::uint64_t octet()
    {
        if (_at == _end) throw SpoiledDocument("it ends too early");
        return static_cast<unsigned char>(*_at++);
    }

    const char* _at;
    const char* _end;
    std::uint64_t _time = 0;
};

} // namespace tollgate::stores
