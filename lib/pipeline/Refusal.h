#pragma once

#include "pipeline/Pipeline.h"

namespace tollgate::pipeline {

/// Takes the body of a 403 or 429 off the wire before the answer goes up. It may say that the account is locked, and the gate
/// must know that before anything else is sent; or the provider may mean by a 429 what no waiting mends, such as an empty purse.
class Refusal final : public InnerStage
{
public:
    Response run(CallImpl& call, Exchange& exchange, const Next& next) const override;
};

} // namespace tollgate::pipeline
