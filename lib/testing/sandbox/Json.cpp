#include "Json.h"

#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <sstream>

namespace tollgate::testing::sandbox {

namespace {

constexpr std::size_t depthCap = 64;

template <class Pointer>
Pointer memberAs(const Poco::JSON::Object::Ptr& object, const std::string& name)
{
    if (!object) return nullptr;
    const auto value = object->get(name);
    return value.type() == typeid(Pointer) ? value.extract<Pointer>() : Pointer();
}

} // namespace

std::string quoted(std::string_view text)
{
    std::string json = "\"";
    json.reserve(text.size() + 2);
    for (const char c : text) {
        switch (c) {
        case '"': json += "\\\""; break;
        case '\\': json += "\\\\"; break;
        case '\n': json += "\\n"; break;
        case '\r': json += "\\r"; break;
        case '\t': json += "\\t"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20)
                json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
            else
                json += c;
        }
    }
    return json += '"';
}

std::string errorJson(std::string_view message) { return fmt::format(R"({{"error":{}}})", quoted(message)); }

std::string jsonText(const Poco::Dynamic::Var& value)
{
    if (value.isEmpty()) return "null";
    if (value.type() == typeid(std::string)) return quoted(value.extract<std::string>());
    std::ostringstream out;
    Poco::JSON::Stringifier::stringify(value, out);
    return out.str();
}

Poco::JSON::Object::Ptr parseObject(const std::string& body)
{
    try {
        Poco::JSON::Parser parser;
        parser.setDepth(depthCap);
        return asObject(parser.parse(body));
    } catch (const Poco::Exception&) {
        return nullptr;
    }
}

Poco::JSON::Object::Ptr objectAt(const Poco::JSON::Object::Ptr& object, const std::string& name)
{
    return memberAs<Poco::JSON::Object::Ptr>(object, name);
}

Poco::JSON::Array::Ptr arrayAt(const Poco::JSON::Object::Ptr& object, const std::string& name)
{
    return memberAs<Poco::JSON::Array::Ptr>(object, name);
}

std::optional<std::string> textAt(const Poco::JSON::Object::Ptr& object, const std::string& name)
{
    if (!object) return std::nullopt;
    const auto value = object->get(name);
    return value.isString() ? std::optional(value.convert<std::string>()) : std::nullopt;
}

Poco::JSON::Object::Ptr asObject(const Poco::Dynamic::Var& value)
{
    return value.type() == typeid(Poco::JSON::Object::Ptr) ? value.extract<Poco::JSON::Object::Ptr>() : Poco::JSON::Object::Ptr();
}

std::string isoTime(WallTime time)
{
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), millis);
}

} // namespace tollgate::testing::sandbox
