#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What the fuzz targets share. A target reads one input, judges what came of it, and ends the process if a promise is broken.
namespace tollgate::fuzz {

/// A promise of the code under test. libFuzzer takes the end of the process for a finding and keeps the input.
inline void require(bool kept, const char* promise)
{
    if (kept) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

/// The piece up to the next `mark`, which is taken away with it.
inline std::string_view takePiece(std::string_view& text, char mark)
{
    const std::size_t at = text.find(mark);
    const std::string_view piece = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return piece;
}

/// Sizes of pieces that follow from a seed: many small ones, some large. Seed 0 gives everything at once.
class Pieces
{
public:
    explicit Pieces(std::uint8_t seed) : _state(seed * 2654435761U) {}

    std::size_t next(std::size_t most)
    {
        if (_state == 0 || most == 0) return most;
        _state ^= _state << 13;
        _state ^= _state >> 17;
        _state ^= _state << 5;
        const std::size_t size = (_state & 0x300) == 0 ? 1 + (_state >> 16) % 200 : 1 + (_state & 7);
        return size < most ? size : most;
    }

private:
    std::uint32_t _state;
};

} // namespace tollgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
