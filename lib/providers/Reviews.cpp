#include "providers/Reviews.h"

#include "providers/ServerText.h"

#include <fmt/format.h>

namespace tollgate::providers {

namespace {

/// Cloudflare's word, alone or in a short text. JSON that speaks of something blocked is the API's own answer.
bool saysBlocked(const std::string& body)
{
    const std::size_t start = body.find_first_not_of(" \t\r\n");
    return start != std::string::npos && body[start] != '{' && body[start] != '[' && body.size() < 1024 &&
           body.find("BLOCKED") != std::string::npos;
}

} // namespace

bool isStopped(const Response& response)
{
    if (response.status() >= 500 || response.status() == 429) return false;
    return isHtml(response) || saysBlocked(response.body());
}

Finding stopped(const Response& response, const std::string& provider, const std::string& hint, const std::string& support)
{
    const char* what = isHtml(response) ? "An HTML page" : "The word BLOCKED";
    return {Finding::Kind::Blocked,
            fmt::format("{} came instead of {}'s answer (status {}): the request did not reach the API.", what, provider,
                        response.status()),
            hint, support};
}

Finding explained(const Response& response, const std::string& message, const std::string& hint, const std::string& support)
{
    return {Finding::Kind::ByStatus, message + serverSays(response), hint, support};
}

} // namespace tollgate::providers
