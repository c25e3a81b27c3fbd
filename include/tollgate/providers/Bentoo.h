#pragma once

#include "tollgate/CredentialSource.h"
#include "tollgate/providers/Provider.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tollgate {

/// The account's plan gives the size of the limit; it is counted for each key.
enum class BentooPlan
{
    Unknown, ///< one call goes first, then the limit is what Bentoo's X-RateLimit-Limit says, up to 1,000 a minute
    Free,    ///< 20 requests a minute
    Pro      ///< 1,000 requests a minute
};

/// The user agent is demanded: it is how you find your program in Bentoo's audit log.
struct TOLLGATE_API BentooOptions : ProviderOptions
{
    CredentialSourcePtr apiKey; ///< "btoo_..."; rotate it by a source with versions, no restart is needed
    /// Bentoo says with every answer how many requests the plan has, so nobody needs to know, and an upgrade is followed at once.
    BentooPlan plan = BentooPlan::Unknown;
    /// Instead of the plan's figure, for Enterprise; 0 switches the limit off.
    std::optional<unsigned> requestsPerMinute;
};

namespace bentoo {

struct TOLLGATE_API Model
{
    std::string id;
    std::string ownedBy;      ///< empty if not told
    std::int64_t created = 0; ///< Unix seconds; 0 if not told
};

struct TOLLGATE_API Message
{
    std::string role; ///< "system", "user" or "assistant"
    std::string content;
};

struct TOLLGATE_API ChatRequest
{
    std::string model;
    std::vector<Message> messages;
    std::optional<double> temperature = {};
    std::optional<std::int64_t> maxTokens = {};
};

/// Zero where the server did not tell.
struct TOLLGATE_API Usage
{
    std::int64_t promptTokens = 0, completionTokens = 0, totalTokens = 0;
};

/// The first choice of a completion.
struct TOLLGATE_API ChatReply
{
    std::string id;
    std::string model;
    std::string content;
    std::string finishReason; ///< "stop"; "length" if maxTokens cut it
    Usage usage;
};

} // namespace bentoo

/// Bentoo, one API for many language models (https://api.bentoo.ai/v1). Thread-safe, cheap to copy.
///
///     auto bentoo = tollgate::Bentoo::fromEnvironment("AcmeCRM/1.0", transport);
///     auto reply = bentoo.chat({"claude-sonnet-4-6", {{"user", "Say hello."}}});
class TOLLGATE_API Bentoo : public ProviderClient
{
public:
    /// Reads BENTOO_API_KEY, and BENTOO_BASE_URL if it is set. Throws MissingCredential naming the variable, and
    /// ConfigurationError without a user agent.
    static Bentoo fromEnvironment(std::string userAgent, TransportPtr transport = {});

    /// Throws ConfigurationError: no user agent, no key.
    explicit Bentoo(BentooOptions options);

    /// What the key can use: all models of the catalogue. Also the vendor's own test of a set-up: if this works, a failing call
    /// is wrong in its body, not in its key.
    std::vector<bentoo::Model> models() const;

    /// Answers when the whole completion is there. Never repeated once it may have been processed: tokens cost money. Throws
    /// PermissionDenied if the account is out of credit, NotFound for an unknown model.
    bentoo::ChatReply chat(const bentoo::ChatRequest& request) const;
};

} // namespace tollgate
