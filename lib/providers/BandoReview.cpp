#include "providers/Reviews.h"

#include <fmt/format.h>

namespace tollgate::providers {

namespace {
constexpr const char* support = "api@bando.cool";
}

std::optional<Finding> reviewBando(const Response& response)
{
    if (isStopped(response))
        return stopped(response, "Bando", "Check the base URL and the User-Agent: a web site, a proxy or a bot guard answered.",
                       support);
    if (response.status() < 400) return std::nullopt;

    switch (response.status()) {
    case 400:
    case 422:
        return explained(response, fmt::format("Bando could not use the request ({}).", response.status()),
                         "Compare it with Bando's API reference.");
    case 401:
        return explained(
            response, "Bando did not accept the token (401).",
            "Do not try again with it: several bad tries lock the account out for a while, for good tokens too. Compare the "
            "token with the one you were sent; without any token the API is open, with fewer requests an hour.",
            support);
    case 403:
        return explained(
            response, "Bando refused the request (403).",
            "Either the account is locked out for a while after several bad tokens (then good tokens are refused too: wait, do "
            "not try others), or this IP address is not allowed.",
            support);
    case 404: return explained(response, "Bando does not know this (404).", "Check the id and the path: paths end with a slash.");
    case 429:
        return explained(response, "Bando got too many requests (429).",
                         "100 requests an hour are allowed, one in 36 seconds: poll less often. A token buys more.", support);
    default: break;
    }
    if (response.status() < 500) return std::nullopt;
    return explained(response, fmt::format("Bando failed (status {}).", response.status()), "Try again later.", support);
}

} // namespace tollgate::providers
