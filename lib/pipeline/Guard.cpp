#include "pipeline/Guard.h"

#include "ClientCore.h"
#include "tollgate/Error.h"

#include <arpa/inet.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace tollgate::pipeline {

namespace {

[[noreturn]] void refuse(std::string message, std::string hint)
{
    ErrorDetails details;
    details.message = std::move(message);
    details.hint = std::move(hint);
    throw InvalidRequest(std::move(details));
}

/// RFC 9110 section 5.6.2.
bool isTokenCharacter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool isToken(std::string_view text) noexcept { return !text.empty() && std::all_of(text.begin(), text.end(), isTokenCharacter); }

bool holdsCredential(const Headers& headers) { return headers.has("Authorization") || headers.has("Cookie"); }

bool carriesCredential(const ClientCore& core, const CallImpl& call)
{
    const bool own =
        !(core.carriers.headers.empty() && core.carriers.queryParameters.empty()) || holdsCredential(core.options.headers);
    return (own && call.carriesCredential()) || holdsCredential(call.request().headers());
}

} // namespace

void checkField(std::string_view name, std::string_view value)
{
    if (!isToken(name))
        refuse("a header field has a name with a character that no field name has",
               "Names are made of letters, digits and hyphens (RFC 9110 section 5.1).");
    const std::string shown(name);
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\r' || c == '\n')
            refuse("the header field " + shown + " holds a line break",
                   "A line break would smuggle in another field or request. Remove it; encoded keys must be in one line.");
        if ((byte < 0x20 && c != '\t') || byte == 0x7f)
            refuse("the header field " + shown + " holds a control character", "Remove it.");
    }
    for (const char* own : {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization"})
        if (equalsIgnoreCase(name, own))
            refuse("the header field " + shown + " is the transport's own", "Leave it out: it is set from the URL and the body.");
}

bool isLoopback(std::string_view host) noexcept
{
    if (host == "::1" || equalsIgnoreCase(host, "localhost")) return true;
    // Only four numbers are an address: 127.0.0.1.example.com is somebody's name.
    char text[16];
    if (host.substr(0, 4) != "127." || host.size() >= sizeof text) return false;
    text[host.copy(text, sizeof text - 1)] = '\0';
    in_addr address{};
    return ::inet_pton(AF_INET, text, &address) == 1;
}

bool isHarmless(std::string_view field) noexcept
{
    static constexpr std::string_view harmless[] = {"Accept", "Accept-Language", "Content-Encoding", "Content-Type",
                                                    "User-Agent"};
    return std::any_of(std::begin(harmless), std::end(harmless), [field](auto each) { return equalsIgnoreCase(field, each); });
}

Verdict Guard::before(Call& each)
{
    auto& call = static_cast<CallImpl&>(each);
    const Request& request = call.request();
    if (!isToken(request.method()))
        refuse("the request's method is not an HTTP method",
               "Use GET, POST, PUT, PATCH, DELETE, HEAD or another token (RFC 9110 section 9.1).");
    for (const auto& [name, value] : request.headers()) checkField(name, value);

    Url url = _core.base.below(request.target());
    call.foreign = url.origin() != _core.base.origin();
    // A proxy reads plain http, also what it hands on to its own loopback.
    const bool readable = !url.origin().isTls() && (_core.options.transport->usesProxy() || !isLoopback(url.origin().host));
    if (readable && !_core.options.credentialsInClearText && carriesCredential(_core, call)) {
        ErrorDetails details;
        details.message = "the call would send a credential over plain http to " + url.origin().text();
        details.hint =
            "Use https: everybody on the way can read plain http. Nothing was sent. For a test network that you trust there is "
            "ClientBuilder::dangerouslyAllowCredentialsInClearText().";
        throw InsecureTransport(std::move(details));
    }
    call.url(std::move(url));
    return Verdict::proceed();
}

} // namespace tollgate::pipeline
