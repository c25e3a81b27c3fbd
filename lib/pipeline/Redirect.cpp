#include "pipeline/Redirect.h"

#include "ClientCore.h"
#include "pipeline/Guard.h"
#include "pipeline/Reference.h"
#include "tollgate/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace tollgate::pipeline {

namespace {

constexpr const char* howToSee =
    "Where redirects are not followed (followRedirects, --follow), the redirect itself is the answer; "
    "its Location field says where it leads.";

bool leadsElsewhere(const Response& answer)
{
    static constexpr std::array<int, 5> followed{301, 302, 303, 307, 308};
    return std::find(followed.begin(), followed.end(), answer.status()) != followed.end() && !answer.header("Location").empty();
}

/// RFC 9110 sections 15.4.2 to 15.4.4: 303 asks for the result, and everybody has always read 301 and 302 so after a POST.
bool becomesGet(const std::string& method, int status)
{
    return status == 303 ? method != "HEAD" : (status == 301 || status == 302) && method == "POST";
}

bool describesContent(std::string_view name) { return equalsIgnoreCase(name.substr(0, 8), "Content-"); }

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

/// The error of a redirect that cannot be followed holds the redirect itself.
ErrorPtr atRedirect(const Error& error, Response& answer)
{
    ErrorDetails details = error.details();
    if (dynamic_cast<const InvalidUrl*>(&error)) {
        details.message = "the server redirects to a place that cannot be used: " + details.message;
        details.hint = howToSee; // that of Url is meant for those who write URLs
    }
    details.delivery = Delivery::Answered;
    details.requestId = answer.redacted(answer.requestId());
    try {
        answer.buffer();
    } catch (const Error&) { // its head says enough
    }
    details.response = std::make_shared<const Response>(answer);
    return error.with(std::move(details));
}

} // namespace

struct Redirect::Slot
{
    unsigned followed = 0;
    std::set<std::string> seen;
};

Verdict Redirect::after(Call& each, Outcome& outcome)
{
    if (_core.options.maxRedirects == 0 || !outcome || !leadsElsewhere(outcome.value())) return Verdict::proceed();
    auto& call = static_cast<CallImpl&>(each);
    Slot& slot = call.slot<Slot>(*this);
    try {
        slot.seen.insert(call.request().method() + ' ' + call.url().text());
        const Url to = destination(call, outcome.value());
        nextHop(call, to, outcome->status());
        if (slot.seen.count(call.request().method() + ' ' + to.text()) > 0)
            throw ProtocolError(fmt::format("the redirects go in a circle: {} was asked for the same before", to.origin().text()),
                                howToSee);
        if (slot.followed++ == _core.options.maxRedirects)
            throw ProtocolError(fmt::format("there are more than {} redirects", _core.options.maxRedirects), howToSee);
    } catch (const Error& error) {
        return Verdict::answer(atRedirect(error, outcome.value()));
    }
    return Verdict::again(call.clock().now(), "redirect");
}

Url Redirect::destination(const CallImpl& call, const Response& answer) const
{
    const Origin& from = call.url().origin();
    Url to = resolve(call.url(), answer.header("Location"));
    if (from.isTls() && !to.origin().isTls())
        throw InsecureTransport(fmt::format("{} redirects to {}, from https to plain http", from.text(), to.origin().text()),
                                howToSee);
    if (!call.strayed && to.origin() == from) return to;
    if (_core.options.transport->identifiesItselfTo(to.origin()))
        throw InsecureTransport(fmt::format("{} redirects to {}, to which this transport shows a client certificate", from.text(),
                                            to.origin().text()),
                                howToSee);
    // Servers pass on the query of the request, and with it what a scheme put there.
    to = withoutParameters(to, _core.carriers.queryParameters);
    const std::string text = to.text();
    if (_core.redactorFor(call.credential)->text(text) != text)
        throw InsecureTransport(fmt::format("{} redirects to {} with the credential in the URL", from.text(), to.origin().text()),
                                howToSee);
    return to;
}

void Redirect::nextHop(CallImpl& call, const Url& to, int status) const
{
    const Request& last = call.request();
    const bool get = becomesGet(last.method(), status);
    if (to.origin() != call.url().origin()) call.strayed = true;
    if (!get && last.body() && !last.body()->replayable())
        throw InvalidRequest(
            fmt::format("the server redirects to {}, and the request's body cannot be sent twice", to.origin().text()),
            "Give the request a body that can be rewound, or send it to the new place.");

    Headers kept;
    for (const auto& [name, value] : last.headers())
        if ((!get || !describesContent(name)) && (!call.strayed || isHarmless(name))) kept.add(name, value);
    Request& next = call.editRequest();
    next._target = to.text();
    next._headers = std::move(kept);
    if (!get) return;
    next._method = "GET";
    next._body.reset();
}

} // namespace tollgate::pipeline
