#pragma once

#include "tollgate/CredentialSource.h"
#include "tollgate/providers/BentoImport.h"
#include "tollgate/providers/BentoTypes.h"
#include "tollgate/providers/Provider.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

/// How many requests each family of paths may make; 0 switches a limit off. The defaults are what Bento publishes.
struct TOLLGATE_API BentoLimits
{
    unsigned fetchPerMinute = 100;
    unsigned batchPerMinute = 100;
    unsigned experimentalPerMinute = 100;
    unsigned statsPerHour = 30; ///< Bento's pages name 30 and 60: the smaller is safe

    /// For programs behind one address: Bento's own advice to its agents counts 60 a minute for each IP address.
    static BentoLimits perAddress() { return {60, 60, 60, 30}; }
    static BentoLimits off() { return {0, 0, 0, 0}; }
};

/// The user agent is demanded: Bento's edge stops requests without one before they reach the API.
struct TOLLGATE_API BentoOptions : ProviderOptions
{
    CredentialSourcePtr publishableKey; ///< the user name of Basic authentication
    CredentialSourcePtr secretKey;      ///< its password
    CredentialSourcePtr siteUuid;       ///< the query parameter site_uuid on every request
    BentoLimits limits;
    std::size_t batchSize = 1000; ///< rows or events of one request, 1 to 1000
    /// How long one request of sendEvents() or of an import may take with its wait for a permit, instead of `timeout`: one full
    /// window of any plan, a slow answer, and room for retries.
    Duration batchTimeout = std::chrono::minutes(5);
};

/// Bento, the marketing platform (https://app.bentonow.com/api/v1). Thread-safe, cheap to copy.
///
///     auto bento = tollgate::Bento::fromEnvironment("AcmeCRM/1.0", transport);
///     for (const auto& tag : bento.tags()) fmt::print("{}\n", tag.name);
///
/// All calls throw the errors of tollgate/Error.h, in Bento's own words: an HTML page or BLOCKED instead of JSON is Blocked,
/// whatever its status below 500.
class TOLLGATE_API Bento : public ProviderClient
{
public:
    /// Reads BENTO_PUBLISHABLE_KEY, BENTO_SECRET_KEY and BENTO_SITE_UUID, and BENTO_BASE_URL if it is set. Throws
    /// MissingCredential naming the variable, and ConfigurationError without a user agent.
    static Bento fromEnvironment(std::string userAgent, TransportPtr transport = {});

    /// Throws ConfigurationError: no user agent, a credential left out, a batch size out of range.
    explicit Bento(BentoOptions options);

    std::vector<bento::Tag> tags() const;
    /// Not repeated after a lost connection: Bento does not say what a second one does.
    bento::Tag createTag(std::string_view name) const;
    /// Toggles: deletes the tag of this name, or restores it if it is deleted. Never repeated, because twice would undo it.
    void deleteTag(std::string_view id, std::string_view name) const;

    std::vector<bento::Field> fields() const;
    /// Bento makes spaces in the key underscores. Not repeated after a lost connection.
    bento::Field createField(std::string_view key) const;

    /// Nothing if Bento does not know the address (yet: imports show after minutes).
    std::optional<bento::Subscriber> subscriber(std::string_view email) const;

    /// Sends events in as many requests as it takes. Throws what stopped it, with how far it got in its text. A request is
    /// repeated after a lost connection only if all its events have a uniqueKey: others would count twice.
    bento::ImportReport sendEvents(const std::vector<bento::Event>& events) const;
    /// The same, with what stopped it in the report, and the event to go on from. If the connection was lost, or the server
    /// failed, the events from resumeFrom up to maybeTakenTo may have been taken: unless the report says that they are
    /// repeatable, look in Bento which of them are there before you send them again.
    [[nodiscard]] bento::ImportReport trySendEvents(const std::vector<bento::Event>& events) const;

    /// Any number of rows; see BentoImport.
    BentoImport importSubscribers(std::vector<bento::SubscriberRow> rows) const;
    /// Rows that are made while they are sent, so that memory stays flat.
    BentoImport importSubscribers(bento::RowSource rows) const;

private:
    std::size_t _batchSize;
    Duration _batchTimeout;
};

} // namespace tollgate
