#pragma once

#include "tollgate/Stage.h"

namespace tollgate {
class ClientCore;
}

namespace tollgate::pipeline {

/// Checks the hop's request before anything else happens to it: the URL (no userinfo, no control characters), the method, the
/// fields (no line breaks, nothing that is the transport's), and that credentials travel over https or to loopback.
class Guard final : public CallStage
{
public:
    explicit Guard(const ClientCore& core) : _core(core) {}
    Verdict before(Call& call) override;

private:
    const ClientCore& _core;
};

/// Throws InvalidRequest for a field that cannot be sent. Also used for a client's own default fields.
void checkField(std::string_view name, std::string_view value);

/// "localhost", 127.0.0.0/8 and ::1. The transport resolves localhost to loopback without asking anybody.
bool isLoopback(std::string_view host) noexcept;

/// Whether a field of that name never holds a secret. Nobody can tell which ones do (X-Api-Key, Cookie, ...), so a stranger gets
/// only these.
bool isHarmless(std::string_view field) noexcept;

} // namespace tollgate::pipeline
