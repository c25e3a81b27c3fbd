#include "providers/Reviews.h"
#include "providers/ServerText.h"

#include <fmt/format.h>

#include <string>

namespace tollgate::providers {

namespace {

constexpr const char* support = "support@bentoo.ai";

bool isKeyCharacter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '*';
}

/// Servers of this kind echo keys, masked or not: whatever starts like one goes.
std::string withoutKeys(std::string text)
{
    static const std::string prefix = "btoo_";
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + prefix.size())) {
        std::size_t end = at + prefix.size();
        while (end < text.size() && isKeyCharacter(text[end])) ++end;
        text.replace(at, end - at, prefix + "***");
    }
    return text;
}

Finding tell(const Response& response, const std::string& message, const std::string& hint, const std::string& whom = {})
{
    Finding finding = explained(response, message, hint, whom);
    finding.message = withoutKeys(std::move(finding.message));
    return finding;
}

Finding outOfCredit(const Response& response)
{
    Finding finding = tell(response, fmt::format("The Bentoo account is out of credit ({}).", response.status()),
                           "Add credit in the dashboard: until there is some, calls fail however long they wait.", support);
    finding.kind = Finding::Kind::Permission;
    return finding;
}

} // namespace

std::optional<Finding> reviewBentoo(const Response& response)
{
    if (isStopped(response))
        return stopped(response, "Bentoo", "Check the base URL and the User-Agent: a web site, a proxy or a bot guard answered.",
                       support);
    if (response.status() < 400) return std::nullopt;
    if (response.body().find("insufficient_quota") != std::string::npos) return outOfCredit(response);

    switch (response.status()) {
    case 400:
    case 422:
        return tell(response, fmt::format("Bentoo could not use the request ({}).", response.status()),
                    "If GET /v1/models works with this key, the fault is in the request body, not in the key.");
    case 401:
        return tell(response, "Bentoo did not accept the key (401): it is wrong, incomplete or revoked.",
                    "Compare it with the dashboard under Settings, API Keys; a revoked key gets 401 at once. If GET /v1/models "
                    "works with "
                    "it, the fault is in the request body, not in the key.");
    case 402: return outOfCredit(response);
    case 403:
        return tell(response, "Bentoo refused the request (403).",
                    "An Enterprise account may allow certain IP addresses only: ask support whether this one is on the list.",
                    support);
    case 404:
        return tell(response, "Bentoo does not know this model or path (404).",
                    "Ask models() which models there are, and check the base URL.");
    case 429:
        return tell(
            response, "Bentoo got too many requests or tokens (429).",
            "Slow down: the plan gives the figure (Free 20, Pro 1,000 requests a minute) and each key is counted on its own. Set "
            "BentooOptions::plan to your plan.",
            support);
    default: break;
    }
    if (response.status() < 500) return std::nullopt;
    return tell(response, fmt::format("Bentoo failed (status {}).", response.status()), "Try again later.", support);
}

} // namespace tollgate::providers
