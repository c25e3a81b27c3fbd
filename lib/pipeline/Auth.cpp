#include "pipeline/Auth.h"

#include "ClientCore.h"

namespace tollgate::pipeline {

Response Auth::run(CallImpl& call, Exchange& exchange, const Next& next) const
{
    if (call.credential) call.credential->apply(exchange);
    Response response = next(exchange);
    response.redactor(call.core().redactorFor(call.credential));
    return response;
}

} // namespace tollgate::pipeline
