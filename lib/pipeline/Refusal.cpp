#include "pipeline/Refusal.h"

#include "ClientCore.h"

namespace tollgate::pipeline {

Response Refusal::run(CallImpl& call, Exchange& exchange, const Next& next) const
{
    Response response = next(exchange);
    const bool refused = response.status() == 403 || response.status() == 429;
    if (refused && call.core().options.lockout.declared) response.buffer();
    return response;
}

} // namespace tollgate::pipeline
