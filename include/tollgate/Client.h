#pragma once

#include "tollgate/AuthStrategy.h"
#include "tollgate/Lockout.h"
#include "tollgate/Observer.h"
#include "tollgate/Quota.h"
#include "tollgate/QuotaStore.h"
#include "tollgate/Request.h"
#include "tollgate/RetryPolicy.h"
#include "tollgate/Stage.h"
#include "tollgate/Transport.h"
#include "tollgate/WindowLimit.h"
#include "tollgate/schemes/AnonymousAuth.h"
#include "tollgate/schemes/BasicSiteAuth.h"
#include "tollgate/schemes/BearerAuth.h"
#include "tollgate/schemes/ScopedBearerAuth.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

class ClientBuilder;

/// What a provider knows about its answers: looks at a complete response, 2xx too, and may say what is wrong with it in the
/// provider's own words.
struct TOLLGATE_API Finding
{
    enum class Kind
    {
        ByStatus,   ///< keep the type that the status gives; only the words change
        Blocked,    ///< stopped in front of the API
        Credential, ///< the credential was refused
        Permission, ///< the credential is fine, the action is not allowed
        Content     ///< not the content that was due
    };
    Kind kind = Kind::ByStatus;
    std::string message; ///< empty: the default sentence
    std::string hint;
    std::string support;
};
using Review = std::function<std::optional<Finding>(const Response&)>;

/// Counters of one client since it was built.
struct TOLLGATE_API ClientStats
{
    std::uint64_t calls = 0;
    std::uint64_t attempts = 0;
    std::uint64_t waits = 0; ///< calls that waited for a permit
    Duration waited{};       ///< how long, in all
    std::uint64_t errors = 0;
    std::uint64_t ignoredHints = 0; ///< rate-limit fields of answers that could not be understood
};

/// Talks to one API: base URL, credential, limits and a transport. Immutable, thread-safe, cheap to copy.
///
///     auto api = tollgate::Client::to("https://api.example.com/v1")
///                    .userAgent("AcmeCRM/1.0")
///                    .auth(tollgate::bearer(tollgate::environmentSource("EXAMPLE_KEY")))
///                    .limit(tollgate::perMinute(100), tollgate::lockout())
///                    .build();
///     auto bots = api.get("/bots").query("page", "2").timeout(10s).send().json();
class TOLLGATE_API Client
{
public:
    /// Throws InvalidUrl at build().
    static ClientBuilder to(std::string baseUrl);

    Request get(std::string_view target) const { return request("GET", target); }
    Request head(std::string_view target) const { return request("HEAD", target); }
    Request post(std::string_view target) const { return request("POST", target); }
    Request put(std::string_view target) const { return request("PUT", target); }
    Request patch(std::string_view target) const { return request("PATCH", target); }
    Request del(std::string_view target) const { return request("DELETE", target); }
    Request request(std::string method, std::string_view target) const;

    Response send(const Request& request) const;
    Result<Response> trySend(const Request& request) const;
    void sendAsync(Request request, std::function<void(Result<Response>)> callback) const;
    Response open(const Request& request) const;

    /// What is left of each limit now, and how the account stands at its gate. Throws StoreUnavailable.
    Quota quota() const;
    /// How each known version of the credential was used, newest use first. Throws StoreUnavailable.
    std::vector<CredentialUse> credentialUsage() const;
    /// Forgets the lock, the verdicts on credentials and the step-down of this account, for somebody who has put things right;
    /// what was counted stays. Throws StoreUnavailable.
    void reset() const;
    ClientStats stats() const;
    const Url& baseUrl() const noexcept;
    const TransportPtr& transport() const noexcept;

private:
    friend class ClientBuilder;
    friend class Request;
    explicit Client(std::shared_ptr<const ClientCore> core) : _core(std::move(core)) {}
    std::shared_ptr<const ClientCore> _core;
};

/// All that a client is made of; what ClientBuilder fills in.
struct TOLLGATE_API ClientOptions
{
    std::string baseUrl;
    std::string userAgent; ///< empty: "tollgate/<version>"
    AuthStrategyPtr auth;  ///< null: anonymous()
    std::vector<RateLimitPolicyPtr> limits;
    LockoutPolicy lockout;
    TransportPtr transport;   ///< null: an own Transport::create()
    QuotaStorePtr quotaStore; ///< null: the one of the transport
    RetryPolicy retry;
    /// Calls that may wait in one line for a permit; more are refused at once.
    std::size_t queueLimit = 10'000;
    Duration timeout = std::chrono::seconds(60); ///< for calls that name neither timeout nor deadline: none should hang for ever
    Headers headers;                             ///< sent with every request
    std::vector<std::shared_ptr<CallStage>> callStages;
    std::vector<std::shared_ptr<AttemptStage>> attemptStages;
    ObserverPtr observer;
    Review review;
    /// As many redirects of a call are followed. 0: the redirect is the answer, since an API that redirects is nearly always one
    /// with a wrong base URL, and to follow costs a request of the quota each time.
    unsigned maxRedirects = 0;
    bool credentialsInClearText = false;
};

/// Collects the options of a Client. Every one has a default, see ClientOptions.
class TOLLGATE_API ClientBuilder
{
public:
    ClientBuilder& userAgent(std::string text);
    ClientBuilder& auth(AuthStrategyPtr strategy);
    /// Limits and lockout rules in any number: limit(perMinute(100), perHour(1000), lockout()). All must let a request go.
    template <class... Limits>
    ClientBuilder& limit(const Limits&... limits)
    {
        (addLimit(limits), ...);
        return *this;
    }
    ClientBuilder& transport(TransportPtr transport);
    ClientBuilder& quotaStore(QuotaStorePtr store);
    ClientBuilder& retry(RetryPolicy policy);
    /// How many calls may wait for a permit; more are refused with RateLimited. Throws ConfigurationError at build() if zero.
    ClientBuilder& queueLimit(std::size_t calls);
    ClientBuilder& timeout(Duration duration);
    ClientBuilder& header(std::string_view name, std::string_view value);
    /// A stage of the user's own above the attempt: after the call was made, before any hop.
    ClientBuilder& stage(std::shared_ptr<CallStage> stage);
    /// A stage of the user's own inside each attempt: it never sees the credential.
    ClientBuilder& stage(std::shared_ptr<AttemptStage> stage);
    ClientBuilder& observer(ObserverPtr observer);
    ClientBuilder& review(Review review);
    /// Follows redirects (301, 302, 303, 307, 308), up to `most` a call. Once a call has left the origin of the base URL it
    /// carries no credential, no client default and no field of the request that might hold a secret, not even if it is led
    /// back. From https to http it never goes: InsecureTransport.
    ClientBuilder& followRedirects(unsigned most = 10);
    /// Sends credentials over plain http to any host. Everybody on the way can read them.
    ClientBuilder& dangerouslyAllowCredentialsInClearText();

    /// Throws InvalidUrl, ConfigurationError, InvalidRequest (a header that cannot be sent).
    Client build() const;

    const ClientOptions& options() const noexcept { return _options; }

private:
    friend class Client;
    void addLimit(const RateLimitPolicyPtr& policy) { _options.limits.push_back(policy); }
    void addLimit(const LockoutPolicy& policy) { _options.lockout = policy; }
    ClientOptions _options;
};

} // namespace tollgate
