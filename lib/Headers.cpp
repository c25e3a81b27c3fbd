#include "tollgate/Headers.h"

#include <openssl/crypto.h>

#include <algorithm>

namespace tollgate {

namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string_view trimmed(std::string_view text) noexcept
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool hasToken(std::string_view list, std::string_view token) noexcept
{
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        if (equalsIgnoreCase(trimmed(list.substr(0, comma)), token)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

Headers::Field Headers::operator[](std::size_t index) const noexcept
{
    const Span& span = _fields[index];
    const std::string_view text = _text;
    return {text.substr(span.name, span.nameSize), text.substr(span.value, span.valueSize)};
}

std::optional<std::string_view> Headers::get(std::string_view name) const noexcept
{
    for (std::size_t i = 0; i < _fields.size(); ++i) {
        if (_fields[i].nameSize != name.size()) continue;
        const Field field = (*this)[i];
        if (equalsIgnoreCase(field.first, name)) return field.second;
    }
    return std::nullopt;
}

std::string_view Headers::get(std::string_view name, std::string_view otherwise) const noexcept
{
    return get(name).value_or(otherwise);
}

std::vector<std::string_view> Headers::getAll(std::string_view name) const
{
    std::vector<std::string_view> values;
    for (const auto& [key, value] : *this)
        if (equalsIgnoreCase(key, name)) values.push_back(value);
    return values;
}

void Headers::add(std::string_view name, std::string_view value)
{
    const auto at = static_cast<std::uint32_t>(_text.size());
    // The views may point into this very buffer, which appending can move.
    if (_text.capacity() - _text.size() < name.size() + value.size()) {
        std::string grown;
        grown.reserve(std::max<std::size_t>(256, 2 * (_text.size() + name.size() + value.size())));
        grown.append(_text).append(name).append(value);
        _text.swap(grown);
        OPENSSL_cleanse(grown.data(), grown.size()); // it may have held a credential
    } else {
        _text.append(name).append(value);
    }
    if (_fields.capacity() == 0) _fields.reserve(16);
    _fields.push_back({at, static_cast<std::uint32_t>(name.size()), at + static_cast<std::uint32_t>(name.size()),
                       static_cast<std::uint32_t>(value.size())});
}

void Headers::set(std::string_view name, std::string_view value)
{
    if (!has(name)) return add(name, value);
    // Removing moves no text, so views into it stay good until add() is done.
    remove(name);
    add(name, value);
}

void Headers::remove(std::string_view name)
{
    // The text stays in the buffer: fields are few, and removing one is rare.
    const auto gone = [&](const Span& span) {
        return equalsIgnoreCase(std::string_view(_text).substr(span.name, span.nameSize), name);
    };
    _fields.erase(std::remove_if(_fields.begin(), _fields.end(), gone), _fields.end());
}

void Headers::clear() noexcept
{
    _text.clear();
    _fields.clear();
}

void Headers::reserve(std::size_t fields, std::size_t bytes)
{
    _fields.reserve(fields);
    _text.reserve(bytes);
}

} // namespace tollgate
