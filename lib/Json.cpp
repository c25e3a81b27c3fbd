#include "tollgate/Json.h"

#include "Excerpt.h"
#include "tollgate/Error.h"

#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

namespace tollgate {

namespace {

constexpr std::size_t maxDepth = 64; // deeper than any sane API; shallow enough for any thread's stack

std::string_view withoutMarkAndSpace(std::string_view text) noexcept
{
    if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3); // RFC 8259 section 8.1 lets a parser pass over it
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

Poco::Dynamic::Var parseWith(const std::string& text, std::size_t depth)
{
    Poco::JSON::Parser parser;
    parser.setDepth(depth);
    return parser.parse(text);
}

Poco::Dynamic::Var parseValue(std::string_view text)
{
    if (text[0] == '{' || text[0] == '[') return parseWith(std::string(text), maxDepth);
    // Poco's parser takes only objects and arrays at the top, so a lone value is parsed as the element of an array.
    const auto list = parseWith(fmt::format("[{}]", text), maxDepth).extract<Poco::JSON::Array::Ptr>();
    if (list->size() != 1) throw Poco::SyntaxException("more than one value");
    return list->get(0);
}

/// Whether the number fits, unless it is a decimal.
bool fits(std::string_view number) noexcept
{
    if (number.size() < 19 || number.find_first_of(".eE") != std::string_view::npos) return true;
    const auto parsed = [number](auto value) { return std::from_chars(number.data(), number.data() + number.size(), value).ec; };
    return (number[0] == '-' ? parsed(std::int64_t{}) : parsed(std::uint64_t{})) != std::errc::result_out_of_range;
}

/// The first integer outside strings that 64 bits do not hold: Poco's parser gives another number for some of them, unasked.
std::string_view tooLargeInteger(std::string_view text) noexcept
{
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"')
            inString = !inString;
        else if (inString)
            i += c == '\\' ? 1 : 0;
        else if (c == '-' || (c >= '0' && c <= '9')) {
            const std::size_t end = std::min(text.find_first_not_of("+-.0123456789Ee", i), text.size());
            if (const std::string_view number = text.substr(i, end - i); !fits(number)) return number;
            i = end - 1;
        }
    }
    return {};
}

/// What to say about a text that is not JSON; `problem` is the parser's.
ErrorDetails refusal(std::string_view text, const std::string& problem)
{
    ErrorDetails details;
    const std::string_view start = withoutMarkAndSpace(text);
    if (start.empty()) {
        details.message = "The answer is empty where JSON is due.";
        details.hint = "Check the URL: it may not be an API's.";
    } else if (start[0] == '<') {
        details.message = fmt::format("An HTML page came where JSON is due: {}", excerpt(start));
        details.hint = "Check the URL and the User-Agent: a web site, a proxy or a bot guard may have answered.";
    } else {
        details.message = fmt::format("The answer is not JSON ({}): {}", problem, excerpt(text));
        details.hint = "Check the URL; if it is right, ask the API's support and show them the text above.";
    }
    return details;
}

ErrorDetails tooLarge(const std::string& number)
{
    ErrorDetails details;
    details.message = fmt::format("The answer holds an integer that does not fit 64 bits: {}", excerpt(number));
    details.hint = "Ask the API's support to send it as text, or read the body's text yourself.";
    return details;
}

struct Parsed
{
    Poco::Dynamic::Var value;
    std::string problem;  ///< empty: it is JSON
    std::string tooLarge; ///< the integer that is the problem
};

Parsed tryParse(const std::string& text)
{
    try {
        const std::string_view value = withoutMarkAndSpace(text);
        if (value.empty()) return {{}, "it is empty", {}};
        const bool hasNumbers = value[0] == '{' || value[0] == '[' || value[0] == '-' || (value[0] >= '0' && value[0] <= '9');
        if (const std::string_view number = hasNumbers ? tooLargeInteger(value) : ""; !number.empty())
            return {{}, "an integer is too large", std::string(number)};
        return {parseValue(value), {}, {}};
    } catch (const Poco::Exception& problem) {
        return {{}, excerpt(problem.message().empty() ? problem.displayText() : problem.message()), {}};
    }
}

} // namespace

std::string toJson(const Poco::Dynamic::Var& value)
{
    std::ostringstream text;
    Poco::JSON::Stringifier::stringify(value, text);
    return text.str();
}

Poco::Dynamic::Var parseJson(const std::string& text)
{
    const Parsed parsed = tryParse(text);
    if (!parsed.tooLarge.empty()) throw UnexpectedContent(tooLarge(parsed.tooLarge));
    if (!parsed.problem.empty()) throw UnexpectedContent(refusal(text, parsed.problem));
    return parsed.value;
}

Poco::Dynamic::Var Response::json() const
{
    const Parsed parsed = tryParse(_body);
    if (parsed.problem.empty()) return parsed.value;

    // Redacted before it is cut: half a secret is one too.
    ErrorDetails details =
        parsed.tooLarge.empty() ? refusal(redacted(_body), redacted(parsed.problem)) : tooLarge(redacted(parsed.tooLarge));
    details.delivery = Delivery::Answered;
    details.requestId = excerpt(redacted(requestId()));
    details.attempts = _attempts;
    details.response = std::make_shared<const Response>(*this);
    throw UnexpectedContent(std::move(details));
}

} // namespace tollgate
