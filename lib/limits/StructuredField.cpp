#include "limits/StructuredField.h"

#include <Poco/UTF8Encoding.h>

#include <algorithm>

namespace tollgate::limits {

namespace {

using Value = StructuredField::Value;
using Item = StructuredField::Item;

constexpr bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool lowerCase(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool letter(char c) noexcept { return lowerCase(c) || (c >= 'A' && c <= 'Z'); }
constexpr bool within(std::string_view set, char c) noexcept { return set.find(c) != std::string_view::npos; }

constexpr bool ofKey(char c) noexcept { return lowerCase(c) || digit(c) || within("_-.*", c); }
constexpr bool ofToken(char c) noexcept { return letter(c) || digit(c) || within("!#$%&'*+-.^_`|~:/", c); }
constexpr bool ofBase64(char c) noexcept { return letter(c) || digit(c) || within("+/=", c); }
constexpr bool printable(char c) noexcept { return c >= ' ' && c <= '~'; }

bool legalUtf8(const std::string& text)
{
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (text.size() - at < size) return false;
        if (!Poco::UTF8Encoding::isLegal(reinterpret_cast<const unsigned char*>(text.data() + at), static_cast<int>(size)))
            return false;
        at += size;
    }
    return true;
}

/// Reads from the front of a text. What answers false or nothing leaves it anywhere: the field is lost then.
class Reader
{
public:
    explicit Reader(std::string_view text) : _rest(text) {}

    bool done() const noexcept { return _rest.empty(); }
    bool take(char c) noexcept { return !done() && _rest.front() == c && (_rest.remove_prefix(1), true); }
    void skip(std::string_view blanks) noexcept { _rest.remove_prefix(std::min(_rest.find_first_not_of(blanks), _rest.size())); }

    std::optional<Item> item()
    {
        Item item;
        if (!value(item.value)) return std::nullopt;
        while (take(';')) {
            skip(" ");
            if (done() || !(lowerCase(_rest.front()) || _rest.front() == '*')) return std::nullopt;
            StructuredField::Parameter& parameter = item.parameters.emplace_back();
            parameter.key = takeWhile(ofKey);
            if (!take('='))
                parameter.value.number = 1; // a key alone says true
            else if (!value(parameter.value))
                return std::nullopt;
        }
        return item;
    }

private:
    bool value(Value& into)
    {
        if (done()) return false;
        const char first = _rest.front();
        if (digit(first) || first == '-') return number(into);
        if (letter(first) || first == '*') {
            into.type = Value::Type::Token;
            into.text = takeWhile(ofToken);
            return true;
        }
        _rest.remove_prefix(1);
        switch (first) {
        case '"': return string(into);
        case '%': return take('"') && displayString(into);
        case ':':
            into.type = Value::Type::Bytes;
            into.text = takeWhile(ofBase64);
            return take(':');
        case '?':
            into.type = Value::Type::Boolean;
            if (take('1')) return into.number = 1, true;
            return take('0');
        case '@': return number(into) && into.type == Value::Type::Integer && (into.type = Value::Type::Date, true);
        default: return false;
        }
    }

    bool number(Value& into)
    {
        const double sign = take('-') ? -1 : 1;
        const std::string_view whole = takeWhile(digit);
        const bool fraction = !whole.empty() && take('.');
        const std::string_view parts = fraction ? takeWhile(digit) : std::string_view();
        if (whole.empty() || whole.size() > (fraction ? 12 : 15) || (fraction && (parts.empty() || parts.size() > 3)))
            return false;
        into.type = fraction ? Value::Type::Decimal : Value::Type::Integer;
        double scale = 1;
        for (const char c : whole) into.number = into.number * 10 + (c - '0');
        for (const char c : parts) into.number += (scale /= 10) * (c - '0');
        into.number *= sign;
        return true;
    }

    bool string(Value& into)
    {
        into.type = Value::Type::String;
        for (; !done(); _rest.remove_prefix(1)) {
            if (take('"')) return true;
            if (take('\\') && (done() || !within("\"\\", _rest.front()))) return false;
            if (!printable(_rest.front())) return false;
            into.text += _rest.front();
        }
        return false;
    }

    bool displayString(Value& into)
    {
        into.type = Value::Type::DisplayString;
        for (; !done(); _rest.remove_prefix(1)) {
            if (take('"')) return legalUtf8(into.text);
            if (!printable(_rest.front())) return false;
            if (_rest.front() != '%') {
                into.text += _rest.front();
                continue;
            }
            constexpr std::string_view hex = "0123456789abcdef"; // lower case alone
            if (_rest.size() < 3) return false;
            const auto high = hex.find(_rest[1]), low = hex.find(_rest[2]);
            if (high == std::string_view::npos || low == std::string_view::npos) return false;
            into.text += static_cast<char>(high << 4 | low);
            _rest.remove_prefix(2);
        }
        return false;
    }

    template <class Set>
    std::string_view takeWhile(Set set) noexcept
    {
        const auto end = std::find_if_not(_rest.begin(), _rest.end(), set);
        const auto taken = _rest.substr(0, static_cast<std::size_t>(end - _rest.begin()));
        _rest.remove_prefix(taken.size());
        return taken;
    }

    std::string_view _rest;
};

} // namespace

const Value* Item::find(std::string_view key) const noexcept
{
    const auto found = std::find_if(parameters.rbegin(), parameters.rend(), [&](const auto& each) { return each.key == key; });
    return found == parameters.rend() ? nullptr : &found->value;
}

std::optional<std::vector<Item>> StructuredField::list(std::string_view text, std::size_t mostItems)
{
    std::vector<Item> items;
    Reader reader(text);
    reader.skip(" ");
    while (!reader.done()) {
        auto item = reader.item();
        if (!item || items.size() == mostItems) return std::nullopt;
        items.push_back(std::move(*item));
        reader.skip(" \t");
        if (reader.done()) break;
        if (!reader.take(',')) return std::nullopt;
        reader.skip(" \t");
        if (reader.done()) return std::nullopt; // a comma at the end
    }
    return items;
}

} // namespace tollgate::limits
