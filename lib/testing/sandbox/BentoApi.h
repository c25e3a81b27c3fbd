#pragma once

#include "Api.h"
#include "BentoStore.h"
#include "Router.h"
#include "SlidingWindow.h"
#include "Timekeeper.h"

#include "tollgate/testing/Sandbox.h"

namespace tollgate::testing::sandbox {

/// Bento's API v1 for one site. The statements N1 to N10 hold; what Bento does not document is a sandbox choice
/// (docs/sandbox.md).
class BentoApi : public Api
{
public:
    BentoApi(const SandboxOptions& options, const Timekeeper& time, Sandbox::Bento keys);

    std::string_view basePath() const noexcept override { return "/api/v1"; }
    HttpResponse handle(const HttpRequest& request, std::string_view path) override;
    HttpResponse unknownPath() const override;

    /// Imports that are due are visible in it.
    const BentoStore& store();

private:
    SlidingWindow* family(std::string_view path) noexcept;
    bool isAuthentic(const HttpRequest& request) const;
    bool knowsSite(Call& call) const;
    void addRoutes();

    HttpResponse subscriber(const Call& call) const;
    HttpResponse createSubscriber(const Call& call);
    HttpResponse createTag(const Call& call);
    HttpResponse toggleTag(const Call& call);
    HttpResponse createField(const Call& call);
    HttpResponse commands(const Call& call);
    HttpResponse importEvents(const Call& call);
    HttpResponse importSubscribers(const Call& call);
    HttpResponse sendEmails(const Call& call);
    HttpResponse siteStatistics() const;
    HttpResponse validate(const Call& call) const;

    const Timekeeper& _time;
    const Sandbox::Bento _keys;
    const std::string _authorization; ///< the Basic credentials that are right
    const Duration _importDelay;
    SlidingWindow _fetch, _batch, _experimental, _stats;
    Router _router;
    BentoStore _store;
};

} // namespace tollgate::testing::sandbox
