#include "Follow.h"

#include "tollgate/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

namespace tollgate::command {

namespace {

constexpr const char* howToSee = "Without --follow the redirect itself is the answer; its Location field says where it leads.";

bool isRedirect(const Response& answer)
{
    static constexpr std::array<int, 5> followed{301, 302, 303, 307, 308};
    return std::find(followed.begin(), followed.end(), answer.status()) != followed.end() && !answer.header("Location").empty();
}

// RFC 3986 section 5.2.4, for a path that begins with '/'.
std::string withoutDots(std::string_view path)
{
    std::string clean;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        const bool dots = segment == "." || segment == "..";
        if (segment == "..") clean.erase(std::min(clean.rfind('/'), clean.size()));
        if (!dots || path.empty()) clean += '/';
        if (!dots) clean += segment;
    }
    return clean;
}

Url withoutParameters(const Url& url, const std::vector<std::string>& names)
{
    if (std::none_of(names.begin(), names.end(), [&url](const std::string& name) { return url.hasQuery(name); })) return url;
    std::string kept;
    std::string_view rest = url.query();
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        if (std::find(names.begin(), names.end(), pair.substr(0, pair.find('='))) != names.end()) continue;
        kept += kept.empty() ? '?' : '&';
        kept += pair;
    }
    return Url(fmt::format("{}{}{}", url.origin().text(), url.path(), kept));
}

// Nobody can tell which field holds a secret (X-Api-Key, Cookie, ...), so only those go to a stranger that never do.
bool isHarmless(std::string_view name)
{
    static constexpr std::array<std::string_view, 4> harmless{"Accept", "Accept-Language", "Content-Encoding", "User-Agent"};
    return std::any_of(harmless.begin(), harmless.end(), [name](auto each) { return equalsIgnoreCase(name, each); });
}

bool describesContent(std::string_view name) { return equalsIgnoreCase(name.substr(0, 8), "Content-"); }

template <class Drop>
void dropHeaders(Hop& hop, Drop drop)
{
    auto& headers = hop.headers;
    headers.erase(std::remove_if(headers.begin(), headers.end(), [&](const auto& field) { return drop(field.first); }),
                  headers.end());
}

// RFC 9110 sections 15.4.2 to 15.4.4: 303 asks for the result, and everybody has always read 301 and 302 so after a POST.
void redirectMethod(Hop& hop, int status)
{
    const bool becomesGet = status == 303 ? hop.method != "HEAD" : (status == 301 || status == 302) && hop.method == "POST";
    if (!becomesGet) return;
    hop.method = "GET";
    hop.body.reset();
    dropHeaders(hop, describesContent);
}

void redirect(Hop& hop, const Response& answer, const std::vector<std::string>& secretQuery)
{
    Url target = resolve(hop.url, answer.header("Location"));
    const Origin& from = hop.url.origin();
    if (from.isTls() && !target.origin().isTls())
        throw InsecureTransport(fmt::format("{} redirects to {}, from https to plain http", from.text(), target.origin().text()),
                                howToSee);
    if (target.origin() != from) {
        hop.home = false;
        dropHeaders(hop, [](std::string_view name) { return !isHarmless(name); });
    }
    if (!hop.home) target = withoutParameters(target, secretQuery);
    hop.url = std::move(target);
    if (hop.body) hop.body->rewind();
    redirectMethod(hop, answer.status());
}

ErrorPtr atRedirect(const Error& error, const Response& answer)
{
    ErrorDetails details = error.details();
    if (dynamic_cast<const InvalidUrl*>(&error)) {
        details.message = "the server redirects to a place that cannot be used: " + details.message;
        details.hint = howToSee; // that of Url is meant for those who write URLs
    }
    details.delivery = Delivery::Answered;
    details.attempts = answer.attempts();
    details.requestId = answer.requestId();
    details.response = std::make_shared<const Response>(answer);
    return error.with(std::move(details));
}

// What failed after a redirect: a request did go out before, and was answered.
ErrorPtr afterRedirect(const Error& error, std::vector<Attempt> trail)
{
    ErrorDetails details = error.details();
    trail.insert(trail.end(), details.attempts.begin(), details.attempts.end());
    details.attempts = std::move(trail);
    if (details.delivery == Delivery::NotSent) details.delivery = Delivery::Answered;
    return error.with(std::move(details));
}

} // namespace

Url resolve(const Url& base, std::string_view reference)
{
    reference = reference.substr(0, reference.find('#'));
    const auto mark = reference.find_first_of(":/?");
    std::string text;
    if (mark != std::string_view::npos && reference[mark] == ':')
        text = reference;
    else if (reference.substr(0, 2) == "//")
        text = fmt::format("{}:{}", base.origin().scheme, reference);
    else if (reference.empty())
        text = base.text();
    else if (mark == 0 && reference.front() == '?')
        text = fmt::format("{}{}{}", base.origin().text(), base.path(), reference);
    else if (mark == 0)
        text = fmt::format("{}{}", base.origin().text(), reference);
    else
        text = fmt::format("{}{}{}", base.origin().text(), base.path().substr(0, base.path().rfind('/') + 1), reference);
    const Url url(text);
    const std::string_view query = std::string_view(url.target()).substr(url.path().size());
    return Url(fmt::format("{}{}{}", url.origin().text(), withoutDots(url.path()), query));
}

Result<Response> follow(Hop hop, const std::vector<std::string>& secretQuery, const SendHop& send)
{
    std::vector<Attempt> trail;
    std::set<std::string> seen;
    for (unsigned redirects = 0;; ++redirects) {
        seen.insert(hop.method + ' ' + hop.url.text());
        Result<Response> result = send(hop);
        if (!result && redirects == 0) return result;
        if (!result) return afterRedirect(result.error(), std::move(trail));
        Response& answer = result.value();
        answer.attempts().insert(answer.attempts().begin(), trail.begin(), trail.end());
        if (!isRedirect(answer)) return result;
        trail = answer.attempts();
        try {
            redirect(hop, answer, secretQuery);
            if (seen.count(hop.method + ' ' + hop.url.text()) > 0)
                throw ProtocolError(
                    fmt::format("the redirects go in a circle: {} was asked for the same before", hop.url.origin().text()),
                    howToSee);
            if (redirects == maxRedirects)
                throw ProtocolError(fmt::format("there are more than {} redirects", maxRedirects), howToSee);
        } catch (const Error& error) {
            return atRedirect(error, answer);
        }
    }
}

} // namespace tollgate::command
