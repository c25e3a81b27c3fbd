#include "pipeline/Refusal.h"

#include "ClientCore.h"

namespace tollgate::pipeline {

Response Refusal::run(CallImpl& call, Exchange& exchange, const Next& next) const
{
    Response response = next(exchange);
    call.noLimit = false;
    const ClientOptions& options = call.core().options;
    if ((response.status() != 403 && response.status() != 429) || (!options.lockout.declared && !options.review)) return response;
    response.buffer();
    if (response.status() == 429 && options.review) {
        const std::optional<Finding> finding = options.review(response);
        call.noLimit = finding && finding->kind != Finding::Kind::ByStatus;
    }
    return response;
}

} // namespace tollgate::pipeline
