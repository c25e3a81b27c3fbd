#pragma once

#include "hygiene/MemoryImage.h"

#include <vector>

namespace tollgate::tests {

/// Looks for texts in each block of memory that C++ gives back, as long as it lives. Such a block may be overwritten by chance
/// before anybody scans the image: this one finds what is not wiped, always.
class FreedMemory
{
public:
    explicit FreedMemory(std::vector<HiddenText> texts);
    ~FreedMemory();
    FreedMemory(const FreedMemory&) = delete;
    FreedMemory& operator=(const FreedMemory&) = delete;

    /// Blocks that held a text when they were given back.
    unsigned unwiped() const;
};

} // namespace tollgate::tests
