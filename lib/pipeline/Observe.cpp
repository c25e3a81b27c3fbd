#include "pipeline/Observe.h"

#include "ClientCore.h"
#include "Excerpt.h"
#include "tollgate/Error.h"

namespace tollgate::pipeline {

namespace {

void tell(CallImpl& call, const Exchange& exchange, std::string requestId)
{
    call.record(exchange.attempt);
    const ClientCore& core = call.core();
    if (!core.options.observer) return;
    const auto redactor = core.redactorFor(call.credential);
    const AttemptRecord record{exchange.method, redactor->url(exchange.url), call.attempts().back(),
                               excerpt(redactor->text(std::move(requestId)))};
    core.options.observer->onAttempt(record);
}

} // namespace

Response Observe::run(CallImpl& call, Exchange& exchange, const Next& next) const
{
    try {
        Response response = next(exchange);
        exchange.attempt.status = response.status();
        exchange.attempt.delivery = Delivery::Answered;
        tell(call, exchange, call.core().options.observer ? response.requestId() : std::string());
        return response;
    } catch (const Error& error) {
        exchange.attempt.error = error.name();
        exchange.attempt.delivery = error.delivery();
        tell(call, exchange, error.requestId());
        throw;
    } catch (...) { // the request body's own: the transport left in the attempt how far it got
        exchange.attempt.error = "exception";
        tell(call, exchange, {});
        throw;
    }
}

} // namespace tollgate::pipeline
