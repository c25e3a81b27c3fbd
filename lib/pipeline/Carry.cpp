#include "pipeline/Carry.h"

#include "ClientCore.h"
#include "tollgate/Error.h"

#include <utility>

namespace tollgate::pipeline {

Response Carry::run(CallImpl& call, Exchange& exchange, const Next& /*nothing lies below*/) const
{
    if (std::exchange(call.carried, true))
        throw Error("an attempt stage called next() twice",
                    "One attempt is one request. To send it again is for the RetryPolicy.");
    return call.core().options.transport->exchange(exchange);
}

} // namespace tollgate::pipeline
