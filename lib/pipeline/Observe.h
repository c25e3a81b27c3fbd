#pragma once

#include "pipeline/Pipeline.h"

namespace tollgate::pipeline {

/// Writes the attempt into the call's trail and tells the observer, redacted by what the credential declares.
class Observe final : public InnerStage
{
public:
    Response run(CallImpl& call, Exchange& exchange, const Next& next) const override;
};

} // namespace tollgate::pipeline
