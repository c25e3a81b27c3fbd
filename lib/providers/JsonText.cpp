#include "providers/JsonText.h"

#include "Excerpt.h"
#include "tollgate/Error.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace tollgate::providers {

namespace {

void appendEscaped(std::string& to, char character)
{
    switch (character) {
    case '"': to += "\\\""; break;
    case '\\': to += "\\\\"; break;
    case '\n': to += "\\n"; break;
    case '\r': to += "\\r"; break;
    case '\t': to += "\\t"; break;
    default: fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned char>(character));
    }
}

bool goesAsItIs(unsigned char byte) noexcept { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

} // namespace

bool appendJson(std::string& to, std::string_view text)
{
    to += '"';
    std::size_t copied = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (goesAsItIs(byte))
            ++at;
        else if (byte >= 0x80) {
            const std::size_t size = utf8CharacterSize(text.substr(at));
            if (size == 0) return false;
            at += size;
        } else {
            to.append(text, copied, at - copied);
            appendEscaped(to, text[at]);
            copied = ++at;
        }
    }
    to.append(text, copied, std::string_view::npos);
    to += '"';
    return true;
}

bool appendJson(std::string& to, const FieldValue& value)
{
    if (const auto* text = std::get_if<std::string>(&value)) return appendJson(to, std::string_view(*text));
    if (const auto* flag = std::get_if<bool>(&value))
        to += *flag ? "true" : "false";
    else if (const auto* integer = std::get_if<std::int64_t>(&value))
        fmt::format_to(std::back_inserter(to), "{}", *integer);
    else {
        const double number = std::get<double>(value);
        if (!std::isfinite(number)) return false;
        fmt::format_to(std::back_inserter(to), "{}", number);
    }
    return true;
}

void appendName(std::string& to, std::string_view name)
{
    if (!to.empty() && to.back() != '{') to += ',';
    to += '"';
    to += name;
    to += "\":";
}

JsonObject& JsonObject::set(std::string_view name, const FieldValue& value)
{
    std::string key, text;
    if (!appendJson(key, name) || !appendJson(text, value))
        throw InvalidRequest(fmt::format("\"{}\" cannot be sent as JSON.", excerpt(name, 60)),
                             "Texts must be UTF-8, and numbers finite: convert the value first.");
    appendName(_text, std::string_view(key).substr(1, key.size() - 2));
    _text += text;
    return *this;
}

JsonObject& JsonObject::setJson(std::string_view name, std::string_view json)
{
    appendName(_text, name);
    _text += json;
    return *this;
}

} // namespace tollgate::providers
