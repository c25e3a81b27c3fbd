#pragma once

#include "pipeline/Pipeline.h"

#include <memory>
#include <utility>

namespace tollgate::pipeline {

/// An attempt stage of the user's. It stands above Auth, so it never sees the credential.
class UserStage final : public InnerStage
{
public:
    explicit UserStage(std::shared_ptr<AttemptStage> stage) : _stage(std::move(stage)) {}
    Response run(CallImpl&, Exchange& exchange, const Next& next) const override { return _stage->run(exchange, next); }

private:
    std::shared_ptr<AttemptStage> _stage;
};

} // namespace tollgate::pipeline
