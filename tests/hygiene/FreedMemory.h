#pragma once

#include "hygiene/MemoryImage.h"

#include <vector>

namespace tollgate::tests {

/// Looks for pieces of texts in each block of memory that C++ gives back, as long as it lives. Such a block may be overwritten by
/// chance before anybody scans the image: this one finds what is not wiped, always. A piece is enough, since a string that grows
/// leaves one behind.
class FreedMemory
{
public:
    /// So many characters in a row are a piece: nobody guesses the rest of a key, and chance does not make them.
    static constexpr std::size_t pieceSize = 12;

    explicit FreedMemory(std::vector<HiddenText> texts);
    ~FreedMemory();
    FreedMemory(const FreedMemory&) = delete;
    FreedMemory& operator=(const FreedMemory&) = delete;

    /// Blocks that held a piece of a text when they were given back.
    unsigned unwiped() const;
};

} // namespace tollgate::tests
