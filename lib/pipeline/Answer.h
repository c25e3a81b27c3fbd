#pragma once

#include "pipeline/CallImpl.h"
#include "tollgate/Result.h"

namespace tollgate::pipeline {

/// Whether the caller wants the whole body or will read it.
enum class Body
{
    Buffered,
    OnTheWire
};

/// What the caller gets for a call that is done: the response, or the error of the tree that its status, the gate and the
/// provider's review make of it, with the trail of attempts, and redacted.
Result<Response> answer(CallImpl& call, Outcome& outcome, Body body);

} // namespace tollgate::pipeline
