#include "Excerpt.h"

#include <Poco/UTF8Encoding.h>
#include <fmt/format.h>

#include <iterator>

namespace tollgate {

namespace {

/// What a terminal or viewer obeys: C0, DEL and C1, and the characters that turn the direction of writing or end a line.
bool isControl(std::string_view character) noexcept
{
    // UTF-8 sorts as its code points do.
    const auto within = [character](std::string_view first, std::string_view last) {
        return character >= first && character <= last;
    };
    return character < " " || within("\x7f", "\xc2\x9f") || character == "\xd8\x9c" || within("\xe2\x80\x8e", "\xe2\x80\x8f") ||
           within("\xe2\x80\xa8", "\xe2\x80\xae") || within("\xe2\x81\xa6", "\xe2\x81\xa9");
}

void appendVisible(std::string& to, std::string_view bytes)
{
    if (bytes == "\n")
        to += "\\n";
    else if (bytes == "\r")
        to += "\\r";
    else if (bytes == "\t")
        to += "\\t";
    else
        for (const char byte : bytes) fmt::format_to(std::back_inserter(to), "\\x{:02x}", static_cast<unsigned char>(byte));
}

} // namespace

std::size_t utf8CharacterSize(std::string_view text) noexcept
{
    if (text.empty()) return 0;
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (size == 1) return 1;
    if (size > text.size()) return 0;
    return Poco::UTF8Encoding::isLegal(reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(size)) ? size : 0;
}

std::string excerpt(std::string_view text, std::size_t characters)
{
    std::string result;
    for (; !text.empty(); --characters) {
        if (characters == 0) return result += "...";
        const std::size_t size = utf8CharacterSize(text);
        const std::string_view character = text.substr(0, size == 0 ? 1 : size);
        if (size == 0 || isControl(character))
            appendVisible(result, character);
        else
            result += character;
        text.remove_prefix(character.size());
    }
    return result;
}

} // namespace tollgate
