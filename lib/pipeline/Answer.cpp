#include "pipeline/Answer.h"

#include "ClientCore.h"
#include "Excerpt.h"
#include "limits/ServerHints.h"
#include "tollgate/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tollgate::pipeline {

namespace {

/// What the server said, in one line. Redacted before it is cut: half a secret would not be recognised.
std::string said(const Redactor& redactor, const std::string& body)
{
    // A secret across its end is far beyond the 200 characters shown, even if nearly all before it are secrets that shrink.
    constexpr std::size_t enough = 1024 * 1024;
    return excerpt(redactor.text(body.substr(0, enough)));
}

std::string sentence(const CallImpl& call, const Response& response)
{
    const auto redactor = call.core().redactorFor(call.credential);
    std::string text = fmt::format("{} {} was answered with {} {}", call.request().method(), redactor->url(call.url()),
                                   response.status(), excerpt(redactor->text(response.head().reason)));
    while (text.back() == ' ') text.pop_back();
    if (!response.body().empty()) text += ": " + said(*redactor, response.body());
    return redactor->text(std::move(text));
}

void when(ErrorDetails& details, const CallImpl& call, std::optional<Duration> wait)
{
    if (!wait) return;
    details.retryIn = wait;
    details.notBefore = call.clock().wallNow() + std::chrono::ceil<WallTime::duration>(*wait);
}

template <class Leaf>
ErrorPtr make(ErrorDetails details, const std::string& hint)
{
    if (details.hint.empty()) details.hint = hint;
    return std::make_shared<Leaf>(std::move(details));
}

ErrorPtr byStatus(ErrorDetails details, const CallImpl& call, const Response& response)
{
    const int status = response.status();
    if (call.locked) {
        when(details, call, call.gateWait);
        details.cause = call.gateCause;
        return make<LockedOut>(std::move(details), "The account seems locked: " + call.gateCause +
                                                       ". Nothing more is sent until the lock is thought to end" +
                                                       (call.gateWait ? ", in " + secondsText(*call.gateWait) : std::string()) +
                                                       "; a new key is locked too.");
    }
    if (status == 429 || (status == 403 && call.throttled)) {
        const auto asked = limits::serverHint(response.headers(), call.clock().wallNow()).wait();
        when(details, call, std::max(asked.value_or(Duration::zero()), call.shutFor));
        return make<RateLimited>(
            std::move(details),
            "The server counts more calls than this client made or allows fewer. Somebody else may use the same quota: "
            "share one transport or one quota store, or lower the limit.");
    }
    switch (status) {
    case 401:
        if (!call.carriesCredential())
            return make<CredentialRejected>(std::move(details),
                                            "No credential was sent, since the call went to another host than "
                                            "that of the client's base URL, or came from there.");
        if (!call.credential || call.credential->fingerprint().empty())
            return make<CredentialRejected>(std::move(details), "No credential was sent. Give the client one with auth().");
        when(details, call, call.gateWait);
        return make<CredentialRejected>(
            std::move(details),
            "The server does not accept this credential. It is not sent again for a while, so that the account is not "
            "locked; a new one is used at once.");
    case 403:
        return make<PermissionDenied>(std::move(details),
                                      "The credential is known but may not do this, or this address may not use the API.");
    case 404:
    case 410: return make<NotFound>(std::move(details), "Check the path and the base URL.");
    case 400:
    case 422:
        return make<BadRequest>(std::move(details),
                                "The server could not use the request: compare its fields with the API's documentation.");
    default: break;
    }
    when(details, call, limits::serverHint(response.headers(), call.clock().wallNow()).wait());
    if (status >= 500) return make<ServerError>(std::move(details), "The fault is likely the server's. Try again later.");
    return make<HttpError>(std::move(details), "");
}

ErrorPtr byFinding(ErrorDetails details, const CallImpl& call, const Response& response, const Finding& finding)
{
    if (!finding.message.empty()) details.message = call.core().redactorFor(call.credential)->text(finding.message);
    details.hint = call.core().redactorFor(call.credential)->text(finding.hint);
    details.support = call.core().redactorFor(call.credential)->text(finding.support);
    switch (finding.kind) {
    case Finding::Kind::Blocked: return std::make_shared<Blocked>(std::move(details));
    case Finding::Kind::Credential:
        when(details, call, call.gateWait);
        return std::make_shared<CredentialRejected>(std::move(details));
    case Finding::Kind::Permission:
        if (call.locked || (call.throttled && response.status() == 403)) break;
        return std::make_shared<PermissionDenied>(std::move(details));
    case Finding::Kind::Content: return std::make_shared<UnexpectedContent>(std::move(details));
    case Finding::Kind::ByStatus: break;
    }
    return byStatus(std::move(details), call, response);
}

/// The error a complete response stands for, or null.
ErrorPtr errorOf(const CallImpl& call, const Response& response)
{
    const Review& review = call.core().options.review;
    const std::optional<Finding> finding = review ? review(response) : std::nullopt;
    if (response.status() < 400 && (!finding || finding->kind == Finding::Kind::ByStatus)) return nullptr;
    ErrorDetails details;
    details.message = sentence(call, response);
    details.delivery = Delivery::Answered;
    // A server may echo anything.
    details.requestId = excerpt(call.core().redactorFor(call.credential)->text(response.requestId()));
    details.attempts = call.attempts();
    details.response = std::make_shared<const Response>(response);
    return finding ? byFinding(std::move(details), call, response, *finding) : byStatus(std::move(details), call, response);
}

/// An error from below, with what the call knows: all attempts, the worst delivery, no secrets.
ErrorPtr complete(const CallImpl& call, const Error& error)
{
    ErrorDetails details = error.details();
    const auto redactor = call.core().redactorFor(call.credential);
    details.message = redactor->text(std::move(details.message));
    details.hint = redactor->text(std::move(details.hint));
    details.support = redactor->text(std::move(details.support));
    details.cause = redactor->text(std::move(details.cause));
    details.requestId = excerpt(redactor->text(std::move(details.requestId)));
    details.attempts = call.attempts();
    // An answer to the last attempt settles it; else an earlier attempt may have been processed.
    if (details.delivery != Delivery::Answered) details.delivery = std::max(details.delivery, call.delivery());
    return error.with(std::move(details));
}

} // namespace

Result<Response> answer(CallImpl& call, Outcome& outcome, Body body)
{
    ErrorPtr failure;
    if (outcome) {
        Response& response = *outcome.operator->();
        try {
            if (body == Body::Buffered || response.status() >= 400) response.buffer();
            // A review judges complete responses; a body that the caller will read is not there yet.
            if (body == Body::Buffered || response.status() >= 400) failure = errorOf(call, response);
            if (!failure) {
                response.attempts() = call.takeAttempts();
                return std::move(response);
            }
        } catch (...) { // the body was cut off, or a review failed
            failure = complete(call, *currentError("the answer could not be reviewed or read", Delivery::Answered));
        }
    } else {
        failure = complete(call, outcome.error());
    }
    call.core().counters.errors.fetch_add(1, std::memory_order_relaxed);
    return failure;
}

} // namespace tollgate::pipeline
