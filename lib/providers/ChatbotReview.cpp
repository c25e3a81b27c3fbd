#include "providers/Reviews.h"

#include <fmt/format.h>

namespace tollgate::providers {

namespace {
constexpr const char* support = "the support of your chatbot platform, or Settings, API in its dashboard";
}

std::optional<Finding> reviewChatbot(const Response& response)
{
    if (isStopped(response))
        return stopped(response, "the chatbot platform",
                       "Check the base URL and the User-Agent: a web site, a proxy or a bot guard answered.", support);
    if (response.status() < 400) return std::nullopt;

    switch (response.status()) {
    case 400:
    case 422:
        return explained(response, fmt::format("The chatbot platform could not use the request ({}).", response.status()),
                         "Check the names and values of the bot's fields.");
    case 401:
        return explained(
            response, "Invalid API Key: the chatbot platform did not accept the key (401).",
            "Copy the entire key, without spaces; check under Settings, API that it has not expired or been revoked.", support);
    case 403:
        return explained(
            response, "Insufficient Permissions: the chatbot platform does not allow this with the key (403).",
            "Either the key lacks the scope (Read, Write, Admin) that the action needs, or the plan has no API access: that "
            "takes the Professional plan.",
            support);
    case 404: return explained(response, "The chatbot platform does not know this (404).", "Check the id and the base URL.");
    case 429:
        return explained(response, "The chatbot platform got too many requests (429).",
                         "1000 calls an hour are allowed: ask for less, keep answers, or ask support for a higher limit.",
                         support);
    default: break;
    }
    if (response.status() < 500) return std::nullopt;
    return explained(response, fmt::format("The chatbot platform failed (status {}).", response.status()), "Try again later.",
                     support);
}

} // namespace tollgate::providers
