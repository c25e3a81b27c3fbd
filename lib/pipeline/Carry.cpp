#include "pipeline/Carry.h"

#include "ClientCore.h"

namespace tollgate::pipeline {

Response Carry::run(CallImpl& call, Exchange& exchange, const Next& /*nothing lies below*/) const
{
    return call.core().options.transport->exchange(exchange);
}

} // namespace tollgate::pipeline
