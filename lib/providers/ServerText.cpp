#include "providers/ServerText.h"

#include "Excerpt.h"
#include "providers/JsonRead.h"
#include "tollgate/Error.h"
#include "tollgate/Json.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tollgate::providers {

namespace {

std::string_view trimmed(std::string_view text) noexcept
{
    if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

/// One entry of "errors": {"field","message"}, {"index","error"} or a plain text.
std::string entryText(const JsonValue& entry)
{
    const JsonObjectPtr object = asObject(entry);
    if (!object) return asText(entry);
    const std::string field = textAt(object, {"field", "index"});
    const std::string text = textAt(object, {"message", "error"});
    return field.empty() ? text : field + ": " + text;
}

std::string errorText(const JsonObjectPtr& body)
{
    const JsonObjectPtr error = objectAt(body, {"error"});
    if (error)
        if (std::string text = textAt(error, {"message", "code", "type"}); !text.empty()) return text;
    if (std::string text = textAt(body, {"message"}); !text.empty()) return text;
    if (const JsonValue text = member(body, {"error"}); text.isString()) return asText(text);
    if (std::string text = textAt(body, {"errorCode", "error_code"}); !text.empty()) return text;

    std::string all;
    if (const JsonArrayPtr errors = arrayAt(body, {"errors"}))
        for (std::size_t i = 0; i < std::min<std::size_t>(errors->size(), 5); ++i)
            all += (all.empty() ? "" : "; ") + entryText(errors->get(static_cast<unsigned>(i)));
    return all;
}

} // namespace

std::string serverText(const Response& response)
{
    const std::string_view body = trimmed(response.body());
    if (body.empty() || isHtml(response)) return {};
    // Redacted before it is cut: half a secret is one too.
    if (body[0] != '{' && body[0] != '[') return excerpt(response.redacted(std::string(body)));
    try {
        return excerpt(response.redacted(errorText(asObject(parseJson(response.body())))));
    } catch (const UnexpectedContent&) {
        return {}; // broken JSON says nothing to people
    }
}

std::string serverSays(const Response& response)
{
    const std::string text = serverText(response);
    return text.empty() ? std::string() : fmt::format(" The server says: \"{}\".", text);
}

bool isHtml(const Response& response)
{
    const std::string_view body = trimmed(response.body());
    if (!body.empty()) return body[0] == '<';
    if (response.status() < 400) return false; // Rails' `head :ok` calls nothing at all text/html
    const std::string_view type = response.header("Content-Type");
    return equalsIgnoreCase(type.substr(0, 9), "text/html");
}

} // namespace tollgate::providers
