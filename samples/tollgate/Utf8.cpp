#include "Utf8.h"

#include <Poco/UTF8Encoding.h>

#include <algorithm>

namespace tollgate::command {

bool isUtf8(std::string_view text) noexcept
{
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t at = 0;
    while (at < text.size()) {
        const unsigned char first = bytes[at];
        const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (length > text.size() - at) return false;
        if (length > 1 && !Poco::UTF8Encoding::isLegal(bytes + at, static_cast<int>(length))) return false;
        at += length;
    }
    return true;
}

std::size_t columnsOf(std::string_view text) noexcept
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

} // namespace tollgate::command
