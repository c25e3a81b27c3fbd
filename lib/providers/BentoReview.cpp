#include "providers/Reviews.h"

#include <fmt/format.h>

namespace tollgate::providers {

namespace {
constexpr const char* support = "support@bentonow.com";
}

std::optional<Finding> reviewBento(const Response& response)
{
    if (isStopped(response))
        return stopped(
            response, "Bento",
            "Bento's edge (Cloudflare) stops requests without a User-Agent, or with one that does not look legitimate: name "
            "your program, such as \"AcmeCRM/1.0\". If that is right, check the base URL; your address may be blocked.",
            support);
    if (response.status() < 400) return std::nullopt;

    switch (response.status()) {
    case 400:
    case 422:
        return explained(response, fmt::format("Bento could not use the request ({}).", response.status()),
                         "Compare the request with the examples of Bento's documentation.");
    case 401:
        return explained(
            response, "Bento did not accept the credentials (401).",
            "Check the publishable key, the secret key and the site_uuid: all three must belong together, and a missing or "
            "wrong site_uuid gives 401 as well. You find them in Bento under Settings, API Keys.");
    case 403:
        return explained(response,
                         "Bento refused the request (403): the IP address is blocked, or there is an issue with the account.",
                         "Write to Bento's support.", support);
    case 404: return explained(response, "Bento does not know this (404).", "Check the id, and the path below /api/v1.");
    case 429:
        return explained(
            response, "Bento got too many requests (429).",
            "Slow down: 100 requests a minute for each of /fetch, /batch and /experimental. Something else may use the same "
            "account or address; lower the limits in BentoOptions, or ask support for higher ones.",
            support);
    default: break;
    }
    if (response.status() < 500) return std::nullopt;
    return explained(
        response, fmt::format("Bento failed (status {}).", response.status()),
        "It may be a fault of Bento's, or a malformed request: compare it with the examples of the documentation, and check "
        "Bento's uptime status page if it persists.",
        support);
}

} // namespace tollgate::providers
