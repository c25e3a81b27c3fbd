#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Headers.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tollgate::testing {

/// The four APIs that the sandbox plays.
enum class Provider
{
    Bento,
    Bentoo,
    Bando,
    Chatbot
};

/// The account's plan at Bentoo: Free has 20 requests a minute and 50 keys, the others what SandboxOptions say and any number.
enum class BentooPlan
{
    Free,
    Pro,
    Enterprise
};

/// A misbehaviour of a server. Takes the place of the normal answer, for as many requests as it is set for.
struct TOLLGATE_API Fault
{
    enum class Kind
    {
        Status,        ///< `status` with a JSON error body, and Retry-After if `retryAfter` is set
        HtmlPage,      ///< 200 text/html, an edge's challenge page
        Blocked,       ///< 403 with the body BLOCKED
        TruncatedJson, ///< 200 application/json whose JSON ends early, though its length is right
        ShortBody,     ///< fewer bytes than Content-Length says, then the connection is closed
        StalledBody,   ///< head and half of the body, then silence
        Reset,         ///< the request is read, then the connection is reset
        Slow           ///< the normal answer, after `delay`
    };
    Kind kind = Kind::Status;
    int status = 500;
    std::optional<std::chrono::seconds> retryAfter;
    std::chrono::milliseconds delay{0};
    std::string pathPrefix; ///< only requests to this path or below (without the base path); empty: all

    static Fault answer(int status) { return {Kind::Status, status, {}, {}, {}}; }
    static Fault of(Kind kind) { return {kind, 500, {}, {}, {}}; }
    static Fault slow(std::chrono::milliseconds delay) { return {Kind::Slow, 200, {}, delay, {}}; }
};

/// A request as the sandbox saw it. Secrets (Authorization, site_uuid) are replaced by "***".
struct TOLLGATE_API RecordedRequest
{
    Provider provider{};
    std::string method;
    std::string target; ///< path and query
    Headers headers;
    std::string body;
    int status = 0; ///< what was answered; 0: nothing was
    TimePoint at;
};

/// How the sandbox behaves. The defaults are the figures the providers publish; what no provider publishes is a sandbox choice
/// and labelled so in docs/sandbox.md. Zero switches a limit off.
struct TOLLGATE_API SandboxOptions
{
    bool tls = false;                  ///< https with a certificate made at the start; see Sandbox::caFile()
    std::shared_ptr<Clock> clock;      ///< windows, lockouts and expiry follow it; null: Clock::system()
    std::string address = "127.0.0.1"; ///< loopback only
    std::uint16_t bentoPort = 0, bentooPort = 0, bandoPort = 0, chatbotPort = 0; ///< 0: any free one
    std::size_t maxRecorded = 10'000;                                            ///< oldest records go first; 0: record nothing

    std::chrono::milliseconds window{60'000};  ///< what "a minute" is for Bento and Bentoo
    std::chrono::milliseconds hour{3'600'000}; ///< what "an hour" is for Bando and the chatbot platform
    unsigned bentoPerWindow = 100;             ///< per family: fetch, batch, experimental
    unsigned bentooPerWindow = 1000;           ///< Pro; plus 20 % burst
    unsigned bandoPerHour = 100;               ///< with token (sandbox choice: anonymous callers get 60)
    unsigned chatbotPerHour = 1000;            ///< per key (sandbox choice)

    unsigned bandoLockoutAfter = 5; ///< bad tokens from one address...
    std::chrono::milliseconds bandoLockoutWithin{60'000};
    std::chrono::milliseconds bandoLockout{300'000}; ///< ...lock it for that long

    std::chrono::milliseconds bentoImportDelay{0}; ///< imported subscribers become visible after that

    std::optional<std::uint16_t>
        controlPort; ///< the control API of docs/sandbox.md on this port, 0: any free one; none: no control API
};

/// A real HTTP server on loopback that behaves as the four APIs promise: authentication, site_uuid, the User-Agent rule, limits,
/// lockout, scopes, revocation and audit records, with switches for every documented failure. It stores what it is given. For
/// tests of programs that use tollgate, and for the samples. Thread-safe.
class TOLLGATE_API Sandbox
{
public:
    /// Listens when it returns. Throws Poco::Net::NetException if a given port is taken.
    explicit Sandbox(SandboxOptions options = {});
    ~Sandbox();
    Sandbox(const Sandbox&) = delete;
    Sandbox& operator=(const Sandbox&) = delete;

    /// Where each API is, with its base path: "http://127.0.0.1:40123/api/v1".
    std::string baseUrl(Provider provider) const;

    struct Bento
    {
        std::string publishableKey, secretKey, siteUuid;
    };
    struct Bentoo
    {
        std::string apiKey;
    };
    struct Bando
    {
        std::string token;
    };
    struct Chatbot
    {
        std::string readKey, writeKey, adminKey;
    };
    const Bento& bento() const noexcept;
    const Bentoo& bentoo() const noexcept;
    const Bando& bando() const noexcept;
    const Chatbot& chatbot() const noexcept;

    /// Where the control API is: "http://127.0.0.1:40127"; empty without one.
    const std::string& controlUrl() const noexcept;

    /// PEM file of the authority that signed the server's certificate; empty without TLS. Removed with the sandbox.
    const std::string& caFile() const noexcept;

    /// The next `count` requests to that API meet the fault. Faults queue up.
    void inject(Provider provider, Fault fault, unsigned count = 1);
    void clearFaults();

    /// Key control, as the providers' dashboards do it. A new Bentoo key works beside the old ones; a revoked key gets 401 at
    /// once.
    std::string createBentooKey();
    /// A chatbot key with these scopes ("read", "write", "admin"); `planHasApi` false: an organisation below Professional.
    std::string createChatbotKey(const std::vector<std::string>& scopes, std::optional<std::chrono::milliseconds> expiresIn = {},
                                 bool planHasApi = true);
    std::string createBandoToken();
    void revoke(const std::string& key);
    /// Takes effect at once, as an upgrade at Bentoo does. Under Free, createBentooKey() throws ConfigurationError at the 51st
    /// key.
    void setBentooPlan(BentooPlan plan);
    /// Only addresses within these blocks ("10.0.0.0/8") may use the key from now on. Throws ConfigurationError.
    void restrictBentooKey(const std::string& key, const std::vector<std::string>& blocks);

    std::vector<RecordedRequest> requests() const;
    std::vector<RecordedRequest> requests(Provider provider) const;
    void clearRequests();

    /// One line of an audit log, as Bentoo and the chatbot platform promise them: never the whole key.
    struct AuditRecord
    {
        Provider provider{};
        std::string keyId; ///< last four characters
        std::string model; ///< Bentoo: empty where there is none
        std::uint64_t tokens = 0;
        std::string sourceAddress;
        WallTime at;
    };
    std::vector<AuditRecord> audit() const;

    /// Connections accepted, and requests answered, since the start.
    std::uint64_t connections() const noexcept;
    std::uint64_t answered() const noexcept;
    /// 429 answers since the start, for tests that promise none.
    std::uint64_t throttled() const noexcept;

    /// How many subscribers are stored, and how many events came in.
    std::size_t subscribers() const;
    std::size_t events() const;

private:
    struct Impl;
    std::unique_ptr<Impl> _impl;
};

} // namespace tollgate::testing
