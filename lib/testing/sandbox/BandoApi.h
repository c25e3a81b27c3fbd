#pragma once

#include "Api.h"
#include "Router.h"
#include "SlidingWindow.h"
#include "Timekeeper.h"

#include "tollgate/testing/Sandbox.h"

#include <map>

namespace tollgate::testing::sandbox {

/// Bando's API with its lockout. The statements D1 to D10 hold; what Bando does not document is a sandbox choice
/// (docs/sandbox.md).
class BandoApi : public Api
{
public:
    BandoApi(const SandboxOptions& options, const Timekeeper& time);

    std::string_view basePath() const noexcept override { return {}; }
    HttpResponse handle(const HttpRequest& request, std::string_view path) override;
    HttpResponse unknownPath() const override;

    void addToken(const std::string& token);
    bool revoke(const std::string& token);

private:
    /// Whose bad tries are counted, and until when its authentication is refused.
    struct Address
    {
        SlidingWindow failures;
        SlidingWindow anonymous;
        TimePoint lockedUntil{};
    };

    Address& address(const std::string& peer);
    HttpResponse respond(Call& call);
    HttpResponse products(const Call& call, bool grouped) const;
    HttpResponse createQuote(const Call& call);
    HttpResponse tokens(const Call& call) const;

    const Timekeeper& _time;
    const std::size_t _perHour;
    const Duration _hour;
    const std::size_t _lockoutAfter;
    const Duration _lockoutWithin, _lockout;
    std::map<std::string, SlidingWindow, std::less<>> _tokens;
    std::map<std::string, Address, std::less<>> _addresses;
    std::uint64_t _quotes = 0;
    Router _router;
};

} // namespace tollgate::testing::sandbox
