#pragma once

#include "tollgate/Client.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate {

/// What can be set for every provider. A value that is left out has the default told here or by the provider.
struct TOLLGATE_API ProviderOptions
{
    std::string userAgent;    ///< names your program: "AcmeCRM/1.0"
    std::string baseUrl;      ///< empty: the provider's own address
    TransportPtr transport;   ///< null: one of its own; share one in a program, and with it connections and quota
    QuotaStorePtr quotaStore; ///< null: the transport's
    ObserverPtr observer;     ///< null: nobody is told
    RetryPolicy retry;
    Duration timeout = std::chrono::seconds(60); ///< for each call, with its waits and retries
};

/// What all providers share: the generic client behind the typed calls. Cheap to copy, thread-safe.
class TOLLGATE_API ProviderClient
{
public:
    /// The client that all calls go through: same credential, limits and connections.
    const Client& client() const noexcept { return _client; }

    /// A request of your own for what has no typed call: `bando.request("GET", "/api/v1/networks/").send().json()`.
    Request request(std::string method, std::string_view target) const { return _client.request(std::move(method), target); }

    /// What is left of each limit now.
    Quota quota() const { return _client.quota(); }

protected:
    explicit ProviderClient(Client client) : _client(std::move(client)) {}
    ~ProviderClient() = default;
    ProviderClient(const ProviderClient&) = default;
    ProviderClient(ProviderClient&&) noexcept = default;
    ProviderClient& operator=(const ProviderClient&) = default;
    ProviderClient& operator=(ProviderClient&&) noexcept = default;

private:
    Client _client;
};

} // namespace tollgate
