#pragma once

#include "Api.h"
#include "AuditLog.h"
#include "Router.h"
#include "SlidingWindow.h"
#include "Timekeeper.h"

#include "tollgate/testing/Sandbox.h"

#include <map>
#include <optional>
#include <set>

namespace tollgate::testing::sandbox {

/// The chatbot platform's API for one organisation. The statements C1 to C12 hold; everything beyond GET /bots is a sandbox
/// choice (docs/sandbox.md).
class ChatbotApi : public Api
{
public:
    ChatbotApi(const SandboxOptions& options, const Timekeeper& time, AuditLog& log);

    std::string_view basePath() const noexcept override { return "/v1"; }
    HttpResponse handle(const HttpRequest& request, std::string_view path) override;
    HttpResponse unknownPath() const override;

    /// Throws ConfigurationError for a scope other than read, write and admin, and for none.
    void addKey(const std::string& key, const std::vector<std::string>& scopes, std::optional<Duration> expiresIn,
                bool planHasApi);
    bool revoke(const std::string& key);

private:
    struct Key
    {
        SlidingWindow window;
        std::set<std::string> scopes;
        std::optional<TimePoint> expiresAt;
        bool planHasApi;
    };
    struct Bot
    {
        std::string name, description;
    };

    void addRoute(std::string_view method, std::string_view pattern, std::string scope, Router::Handler handler);
    HttpResponse respond(Call& call);
    HttpResponse bots() const;
    HttpResponse bot(const Call& call) const;
    HttpResponse createBot(const Call& call);
    HttpResponse updateBot(const Call& call);
    HttpResponse deleteBot(const Call& call);
    HttpResponse updateSettings(const Call& call);
    HttpResponse members() const;
    HttpResponse addMember(const Call& call);

    const Timekeeper& _time;
    AuditLog& _log;
    const std::size_t _perHour;
    const Duration _hour;
    std::map<std::string, Key, std::less<>> _keys;
    const Key* _caller = nullptr; ///< of the request that is being answered
    std::map<std::string, Bot> _bots;
    std::uint64_t _botsMade = 0;
    std::map<std::string, std::string> _settings;              ///< JSON texts
    std::vector<std::pair<std::string, std::string>> _members; ///< e-mail and role
    Router _router;
};

} // namespace tollgate::testing::sandbox
