#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::tests {

/// A text to look for in this process's own memory, kept so that it does not stand there itself.
class HiddenText
{
public:
    HiddenText() = default;

    static HiddenText random(std::size_t size, std::string_view alphabet)
    {
        std::random_device draw;
        HiddenText text;
        for (std::size_t i = 0; i < size; ++i) text.add(alphabet[draw() % alphabet.size()]);
        return text;
    }

    std::size_t size() const { return _masked.size(); }
    char at(std::size_t index) const { return static_cast<char>(_masked[index] ^ _mask[index]); }
    void add(char c)
    {
        static std::random_device draw;
        _mask.push_back(static_cast<unsigned char>(draw() | 0x80U)); // never the character itself
        _masked.push_back(static_cast<unsigned char>(c) ^ _mask.back());
    }
    HiddenText operator+(const HiddenText& other) const
    {
        HiddenText sum = *this;
        for (std::size_t i = 0; i < other.size(); ++i) sum.add(other.at(i));
        return sum;
    }
    HiddenText base64() const
    {
        static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const auto byte = [this](std::size_t i) {
            return i < size() ? static_cast<unsigned>(static_cast<unsigned char>(at(i))) : 0U;
        };
        HiddenText text;
        for (std::size_t i = 0; i < size(); i += 3) {
            const unsigned group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
            for (unsigned k = 0; k < 4; ++k)
                if (i + k <= size())
                    text.add(digits[group >> (18 - 6 * k) & 63]);
                else
                    text.add('=');
        }
        return text;
    }
    HiddenText percentEncoded(bool upperCase) const
    {
        const char* digits = upperCase ? "0123456789ABCDEF" : "0123456789abcdef";
        HiddenText text;
        for (std::size_t i = 0; i < size(); ++i) {
            const char c = at(i);
            const auto byte = static_cast<unsigned char>(c);
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                               c == '.' || c == '_' || c == '~';
            if (plain) {
                text.add(c);
                continue;
            }
            text.add('%');
            text.add(digits[byte >> 4]);
            text.add(digits[byte & 15]);
        }
        return text;
    }
    /// As some JSON writers put it.
    HiddenText escaped() const
    {
        HiddenText text;
        for (std::size_t i = 0; i < size(); ++i) {
            if (at(i) == '/') text.add('\\');
            text.add(at(i));
        }
        return text;
    }
    bool operator==(const HiddenText& other) const
    {
        bool same = size() == other.size();
        for (std::size_t i = 0; same && i < size(); ++i) same = at(i) == other.at(i);
        return same;
    }

    /// Hands it out byte by byte.
    void each(const std::function<void(char)>& take) const
    {
        for (std::size_t i = 0; i < size(); ++i) take(at(i));
    }

    std::size_t countIn(const char* begin, const char* end, const std::function<void(const char*)>& found = {}) const
    {
        std::size_t count = 0;
        while (end - begin >= static_cast<std::ptrdiff_t>(size())) {
            begin = static_cast<const char*>(std::memchr(begin, at(0), static_cast<std::size_t>(end - begin) - size() + 1));
            if (!begin) break;
            std::size_t i = 1;
            while (i < size() && begin[i] == at(i)) ++i;
            if (i == size()) {
                ++count;
                if (found) found(begin);
            }
            ++begin;
        }
        return count;
    }

private:
    std::vector<unsigned char> _masked, _mask;
};

/// How often the text stands in what this process can read and write: heap with its freed parts, stacks, thread-locals, data.
/// `where` gets a line for each: the mapping, and the place in it.
inline std::size_t occurrences(const HiddenText& text, std::vector<std::string>* where = nullptr)
{
    std::ifstream maps("/proc/self/maps");
    std::vector<std::string> lines;
    for (std::string line; std::getline(maps, line);) lines.push_back(line);
    std::size_t count = 0;
    for (const std::string& line : lines) {
        std::istringstream fields(line);
        std::uintptr_t begin = 0, end = 0;
        char dash = 0;
        std::string access;
        fields >> std::hex >> begin >> dash >> end >> access;
        if (access.compare(0, 2, "rw") != 0) continue;
        count += text.countIn(reinterpret_cast<const char*>(begin), reinterpret_cast<const char*>(end), [&](const char* at) {
            if (!where) return;
            std::string before; // too short to hold a piece of a secret itself
            for (int i = -11; i < 0; ++i) before += at[i] >= ' ' && at[i] < 0x7f ? at[i] : '.';
            where->push_back(line.substr(line.rfind(' ') + 1) + " after '" + before + "'");
        });
    }
    return count;
}

} // namespace tollgate::tests
