#pragma once

#include "Api.h"
#include "AuditLog.h"
#include "Router.h"
#include "SlidingWindow.h"
#include "Timekeeper.h"

#include "tollgate/testing/Sandbox.h"

#include <Poco/Net/IPAddress.h>

#include <map>

namespace tollgate::testing::sandbox {

/// Bentoo's API for one account. The statements B1 to B17 hold; what Bentoo does not document is a sandbox choice
/// (docs/sandbox.md).
class BentooApi : public Api
{
public:
    BentooApi(const SandboxOptions& options, const Timekeeper& time, AuditLog& audit);

    std::string_view basePath() const noexcept override { return "/v1"; }
    HttpResponse handle(const HttpRequest& request, std::string_view path) override;
    HttpResponse unknownPath() const override;

    /// What the dashboard does. Throws ConfigurationError when the plan's 50 keys are used up.
    void addKey(const std::string& key);
    bool revoke(const std::string& key);
    void setPlan(BentooPlan plan);
    /// Only addresses in one of these blocks ("10.0.0.0/8") may use the key. Throws ConfigurationError: unknown key, bad block.
    void restrictKey(const std::string& key, const std::vector<std::string>& blocks);
    std::size_t keyCount() const noexcept { return _keys.size(); }

private:
    struct Block
    {
        Poco::Net::IPAddress address;
        unsigned prefix;
    };
    struct Key
    {
        SlidingWindow window;
        std::vector<Block> blocks; ///< empty: from anywhere
    };
    struct Usage
    {
        std::string model;
        std::uint64_t tokens = 0;
    };

    std::size_t perMinute() const noexcept;
    std::size_t withBurst() const noexcept;
    HttpResponse respond(Call& call);
    HttpResponse models() const;
    HttpResponse model(const Call& call) const;
    HttpResponse complete(const Call& call);
    HttpResponse account() const;
    void addLimitFields(HttpResponse& response, SlidingWindow* window) const;

    const Timekeeper& _time;
    AuditLog& _audit;
    const std::size_t _proPerMinute;
    const Duration _window;
    BentooPlan _plan = BentooPlan::Pro;
    std::map<std::string, Key, std::less<>> _keys;
    std::uint64_t _credit = 1'000'000; ///< millionths of a US dollar, shared by all keys
    std::uint64_t _completions = 0;
    Router _router;
    Usage _usage; ///< of the request that is being answered
};

} // namespace tollgate::testing::sandbox
