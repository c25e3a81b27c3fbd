#include "transport/TlsHost.h"

#include "transport/Failure.h"

#include "tollgate/Url.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tollgate::transport {

std::string withoutRootDot(std::string host)
{
    if (!host.empty() && host.back() == '.') host.pop_back();
    return host;
}

std::string hostOfOption(const std::string& text, const char* option)
{
    const bool bracketed = !text.empty() && text.front() == '[' && text.back() == ']';
    const auto colons = std::count(text.begin(), text.end(), ':');
    const bool literal = colons > 1 && !bracketed && text.front() != '[';
    if (colons == 0 || literal || bracketed) {
        try {
            const Url url("https://" + (literal ? "[" + text + "]" : text));
            if (text.find_first_of("/?#") == std::string::npos) return withoutRootDot(url.origin().host);
        } catch (const InvalidUrl&) { // told below, in the option's words
        }
    }
    fail<ConfigurationError>(fmt::format("{} names no host: '{}'", option, text),
                             "Write the host as in the URL, without scheme, port and path: api.example.com.");
}

} // namespace tollgate::transport
