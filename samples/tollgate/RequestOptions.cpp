#include "RequestOptions.h"

#include "Quantities.h"

#include "tollgate/Headers.h"

#include <fmt/format.h>

#include <algorithm>

namespace tollgate::command {

namespace {

std::pair<std::string, std::string> splitHeader(const std::string& text)
{
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string::npos)
        throw UsageError("--header: there is no \"Name: value\"", "Write it as in --header \"Accept: application/json\".");
    std::string name = text.substr(0, colon);
    if (equalsIgnoreCase(name, "Authorization") || equalsIgnoreCase(name, "Proxy-Authorization"))
        throw UsageError(
            fmt::format("--header: {} holds a secret, which must not stand on the command line: others can see it in "
                        "the process list",
                        name),
            "Use --auth with an environment variable, a file or a prompt: --auth bearer:env:NAME.");
    std::string value = text.substr(colon + 1);
    // Only the blanks that belong to the notation go; a line break is a mistake that must be told, not mended.
    value.erase(0, value.find_first_not_of(" \t") == std::string::npos ? value.size() : value.find_first_not_of(" \t"));
    value.erase(value.find_last_not_of(" \t") + 1);
    return {std::move(name), std::move(value)};
}

} // namespace

RequestOptions::RequestOptions(const RequestArguments& arguments)
    : method(arguments.method)
    , data(arguments.data)
    , contentType("application/json")
    , auth(AuthOption::parse(arguments.auth))
    , limits(LimitOptions::parse(arguments.limits))
    , store(arguments.store)
    , retries(arguments.retries)
    , follow(arguments.follow)
    , caFile(arguments.caFile)
{
    std::transform(method.begin(), method.end(), method.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    for (const std::string& text : arguments.headers) {
        auto header = splitHeader(text);
        if (equalsIgnoreCase(header.first, "Content-Type"))
            contentType = header.second;
        else
            headers.push_back(std::move(header));
    }
    if (arguments.connectTimeout) connectTimeout = parseDuration(*arguments.connectTimeout, "--connect-timeout");
    if (arguments.maxBody) maxBody = parseBytes(*arguments.maxBody, "--max-body");
    // An unset variable must not quietly mean the direct way.
    if (arguments.proxy && arguments.proxy->empty())
        throw UsageError("--proxy: there is no URL", "Write it as in --proxy http://proxy.example.com:3128.");
    proxy = arguments.proxy.value_or("");
    url = Url(arguments.url);
}

} // namespace tollgate::command
