#pragma once

#include "pipeline/Pipeline.h"

namespace tollgate::pipeline {

/// Hands the exchange to the transport.
class Carry final : public InnerStage
{
public:
    Response run(CallImpl& call, Exchange& exchange, const Next& next) const override;
};

} // namespace tollgate::pipeline
