#include "Support.h"

#include "limits/StructuredField.h"

#include <cmath>
#include <cstdio>
#include <string>

using namespace tollgate::fuzz;
using tollgate::limits::StructuredField;
using Value = StructuredField::Value;
using Type = Value::Type;

namespace {

constexpr std::size_t most = 64;

/// RFC 9651 section 4.1
void write(std::string& to, const Value& value)
{
    char number[32];
    switch (value.type) {
    case Type::Date: to += '@'; [[fallthrough]];
    case Type::Integer:
        std::snprintf(number, sizeof number, "%.0f", value.number);
        to += number;
        break;
    case Type::Decimal:
        std::snprintf(number, sizeof number, "%.3f", value.number);
        to += number;
        break;
    case Type::String:
        to += '"';
        for (const char c : value.text) {
            if (c == '"' || c == '\\') to += '\\';
            to += c;
        }
        to += '"';
        break;
    case Type::Token: to += value.text; break;
    case Type::Bytes: to.append(":").append(value.text).append(":"); break;
    case Type::Boolean: to += value.number == 0 ? "?0" : "?1"; break;
    case Type::DisplayString:
        to += "%\"";
        for (const char c : value.text) {
            if (c == '%' || c == '"' || c < ' ' || c == 0x7f) {
                std::snprintf(number, sizeof number, "%%%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
                to += number;
            } else
                to += c;
        }
        to += '"';
        break;
    }
}

bool same(const Value& a, const Value& b)
{
    return a.type == b.type && a.text == b.text && std::abs(a.number - b.number) < 0.0005;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size > 1024) return -1;
    const auto items = StructuredField::list(textOf(data, size), most);
    if (!items) return 0;
    require(items->size() <= most, "a list has no more items than asked for");
    std::string written;
    for (const auto& item : *items) {
        if (&item != &items->front()) written += ", ";
        write(written, item.value);
        for (const auto& parameter : item.parameters) {
            written.append(";").append(parameter.key).append("=");
            write(written, parameter.value);
            require(item.find(parameter.key) != nullptr, "a parameter that is there is found");
        }
    }
    const auto again = StructuredField::list(written, most);
    require(again.has_value() && again->size() == items->size(), "a list that is written out can be read");
    for (std::size_t i = 0; i < items->size(); ++i) {
        const auto& left = (*items)[i];
        const auto& right = (*again)[i];
        require(same(left.value, right.value), "an item reads as it was written");
        require(left.parameters.size() == right.parameters.size(), "parameters read as they were written");
        for (std::size_t k = 0; k < left.parameters.size(); ++k)
            require(left.parameters[k].key == right.parameters[k].key &&
                        same(left.parameters[k].value, right.parameters[k].value),
                    "a parameter reads as it was written");
    }
    return 0;
}
