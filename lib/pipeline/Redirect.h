#pragma once

#include "tollgate/Stage.h"

namespace tollgate {
class ClientCore;
class CallImpl;
} // namespace tollgate

namespace tollgate::pipeline {

/// A loop: does the answer lead elsewhere (RFC 9110 section 15.4), and may we go there? Each hop is a request of its own: it
/// passes the guard, the limits and the retries again. Once a call has left the origin of the base URL no hop of it carries the
/// credential or a field that may hold a secret, not even one back home: the address was another's choice.
class Redirect final : public CallStage
{
public:
    explicit Redirect(const ClientCore& core) : _core(core) {}
    bool loop() const override { return true; }
    Verdict after(Call& call, Outcome& outcome) override;

private:
    struct Slot;
    Url destination(const CallImpl& call, const Response& answer) const;
    void nextHop(CallImpl& call, const Url& to, int status) const;

    const ClientCore& _core;
};

} // namespace tollgate::pipeline
