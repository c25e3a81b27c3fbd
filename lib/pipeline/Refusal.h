#pragma once

#include "pipeline/Pipeline.h"

namespace tollgate::pipeline {

/// Takes the body of a 403 or 429 off the wire before the answer goes up, if the client protects its account: it may say that the
/// account is locked, and the gate must know that before anything else is sent.
class Refusal final : public InnerStage
{
public:
    Response run(CallImpl& call, Exchange& exchange, const Next& next) const override;
};

} // namespace tollgate::pipeline
