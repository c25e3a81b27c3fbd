#pragma once

#include "pipeline/Pipeline.h"

namespace tollgate::pipeline {

/// Applies exactly the snapshot that Limit let through. From here on downwards the exchange holds secrets.
class Auth final : public InnerStage
{
public:
    Response run(CallImpl& call, Exchange& exchange, const Next& next) const override;
};

} // namespace tollgate::pipeline
