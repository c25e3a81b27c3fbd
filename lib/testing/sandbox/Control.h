#pragma once

#include "Api.h"
#include "AuditLog.h"
#include "Faults.h"
#include "Recorder.h"
#include "Router.h"
#include "Timekeeper.h"

#include "tollgate/testing/Sandbox.h"

namespace tollgate::testing::sandbox {

/// The control API: what Sandbox offers to C++, for programs in any language. docs/sandbox.md describes it.
class Control : public Api
{
public:
    Control(Sandbox& sandbox, Faults& faults, Recorder& recorder, AuditLog& audit, Timekeeper& time);

    std::string_view basePath() const noexcept override { return {}; }
    HttpResponse handle(const HttpRequest& request, std::string_view path) override;
    HttpResponse unknownPath() const override;

private:
    HttpResponse inject(const Call& call);
    HttpResponse createKey(const Call& call);
    HttpResponse revokeKey(const Call& call);
    HttpResponse changeBentoo(const Call& call);
    HttpResponse requests(const Call& call) const;
    HttpResponse statistics() const;
    HttpResponse advance(const Call& call);

    Sandbox& _sandbox;
    Faults& _faults;
    Recorder& _recorder;
    AuditLog& _audit;
    Timekeeper& _time;
    Router _router;
};

/// "bento", "bentoo", "bando", "chatbot".
std::string_view nameOf(Provider provider) noexcept;
std::optional<Provider> providerNamed(std::string_view name) noexcept;

} // namespace tollgate::testing::sandbox
