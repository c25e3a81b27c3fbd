#include "Faults.h"

#include "Json.h"

#include <fmt/format.h>

#include <algorithm>

namespace tollgate::testing::sandbox {

void Faults::add(Provider provider, Fault fault, unsigned count)
{
    const std::lock_guard lock(_mutex);
    if (count > 0) _waiting.push_back({provider, std::move(fault), count});
}

void Faults::clear()
{
    const std::lock_guard lock(_mutex);
    _waiting.clear();
}

std::optional<Fault> Faults::take(Provider provider, std::string_view path)
{
    const std::lock_guard lock(_mutex);
    const auto found = std::find_if(_waiting.begin(), _waiting.end(), [&](const Waiting& waiting) {
        return waiting.provider == provider && isBelow(path, waiting.fault.pathPrefix);
    });
    if (found == _waiting.end()) return std::nullopt;
    auto fault = found->fault;
    if (--found->left == 0) _waiting.erase(found);
    return fault;
}

std::size_t Faults::size() const
{
    const std::lock_guard lock(_mutex);
    std::size_t total = 0;
    for (const auto& waiting : _waiting) total += waiting.left;
    return total;
}

HttpResponse answerUnder(const Fault& fault, const std::function<HttpResponse()>& api)
{
    HttpResponse response;
    switch (fault.kind) {
    case Fault::Kind::Status:
        response = HttpResponse::json(fault.status, errorJson(fmt::format("Status {} as the sandbox was told.", fault.status)));
        if (fault.retryAfter) response.with("Retry-After", std::to_string(fault.retryAfter->count()));
        break;
    case Fault::Kind::HtmlPage:
        response = HttpResponse::text(200, "text/html; charset=utf-8",
                                      "<!DOCTYPE html><html><head><title>Just a moment...</title></head>"
                                      "<body>Checking your browser before you go on.</body></html>");
        break;
    case Fault::Kind::Blocked: response = HttpResponse::text(403, "text/plain; charset=utf-8", "BLOCKED"); break;
    case Fault::Kind::TruncatedJson:
        response = api();
        for (const auto& chunk : response.chunks) response.body += chunk;
        response.chunks.clear();
        response.contentType = "application/json";
        response.body.resize(response.body.size() / 2);
        break;
    case Fault::Kind::ShortBody:
        response = api();
        response.delivery = Delivery::Cut;
        break;
    case Fault::Kind::StalledBody:
        response = api();
        response.delivery = Delivery::Stall;
        break;
    case Fault::Kind::Reset:
        response.status = 0;
        response.delivery = Delivery::Reset;
        break;
    case Fault::Kind::Slow: response = api(); break;
    }
    response.delay = fault.delay;
    return response;
}

} // namespace tollgate::testing::sandbox
