#include "pipeline/Pipeline.h"

#include "ClientCore.h"
#include "pipeline/Auth.h"
#include "pipeline/Carry.h"
#include "pipeline/Credential.h"
#include "pipeline/Guard.h"
#include "pipeline/Limit.h"
#include "pipeline/Observe.h"
#include "pipeline/Redirect.h"
#include "pipeline/Refusal.h"
#include "pipeline/Retry.h"
#include "pipeline/UserStage.h"

namespace tollgate::pipeline {

/// The way of a request, top to bottom. Each stage is a file of its name.
Pipeline::Pipeline(const ClientCore& core)
{
    const ClientOptions& options = core.options;

    // once a call
    for (const auto& stage : options.callStages) _callStages.push_back(stage);
    // once a hop
    _callStages.push_back(std::make_shared<Redirect>(core));
    _callStages.push_back(std::make_shared<Guard>(core));
    // once an attempt
    _callStages.push_back(std::make_shared<Retry>(core));
    _callStages.push_back(std::make_shared<CredentialStage>(core));
    _callStages.push_back(std::make_shared<Limit>(core));

    // inside one attempt
    for (const auto& stage : options.attemptStages) _attemptStages.push_back(std::make_unique<UserStage>(stage));
    _attemptStages.push_back(std::make_unique<Auth>());
    _attemptStages.push_back(std::make_unique<Refusal>());
    _attemptStages.push_back(std::make_unique<Observe>());
    _attemptStages.push_back(std::make_unique<Carry>());
}

Pipeline::~Pipeline() = default;

Response Pipeline::attempt(CallImpl& call, Exchange& exchange) const { return runFrom(0, call, exchange); }

Response Pipeline::runFrom(std::size_t stage, CallImpl& call, Exchange& exchange) const
{
    struct Frame
    {
        const Pipeline& pipeline;
        std::size_t stage;
        CallImpl& call;
    } frame{*this, stage, call};
    const Next next = [&frame](Exchange& inner) { return frame.pipeline.runFrom(frame.stage + 1, frame.call, inner); };
    return _attemptStages[stage]->run(call, exchange, next);
}

} // namespace tollgate::pipeline
