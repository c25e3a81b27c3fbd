#pragma once

#include "tollgate/Cancellation.h"
#include "tollgate/Clock.h"
#include "tollgate/Exchange.h"
#include "tollgate/Response.h"
#include "tollgate/Tls.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <unordered_map>

namespace tollgate {

/// The slowest answer that is still waited for, over a span of time: against a peer that drips bytes for ever.
struct TOLLGATE_API Throughput
{
    std::uint64_t bytesPerSecond = 1024;    ///< a modem's tenth: no working line is slower
    std::chrono::milliseconds over{30'000}; ///< long enough for a pause in a stream
};

/// What a transport may take and hold. Every wait also ends at the call's deadline.
struct TOLLGATE_API TransportOptions
{
    std::chrono::milliseconds connectTimeout{10'000}; ///< name resolution and TCP connect; a dead host should not eat a minute
    std::chrono::milliseconds tlsTimeout{10'000};     ///< TLS handshake, as a whole
    std::chrono::milliseconds writeTimeout{30'000};   ///< without any progress in sending
    std::chrono::milliseconds readTimeout{30'000};    ///< without any progress in receiving; slow APIs answer within 30 s
    /// Bodies, sent or received, that go slower are given up with Timeout. Off by default: a stream of an AI's words is slow and
    /// sound. minimumThroughput.emplace() turns on 1 KiB/s over 30 s. Bytes count as they come over the wire, time only while the
    /// transport waits for the peer. A rate or span of zero is a ConfigurationError.
    std::optional<Throughput> minimumThroughput;
    std::size_t maxConnectionsPerOrigin = 32; ///< more calls wait for one; most vendors frown on more
    std::size_t maxIdlePerOrigin = 32;        ///< kept open for the next call
    std::chrono::milliseconds idleTimeout{
        60'000};                          ///< closed after that, or at what the server's Keep-Alive: timeout says less 1 s
    std::size_t maxHeadBytes = 64 * 1024; ///< status line and fields, trailers likewise
    std::uint64_t maxBodyBytes = 64 * 1024 * 1024; ///< after decoding
    bool decompress = true;                        ///< asks for gzip and deflate, and decodes them
    /// An HTTP proxy for all connections, "http://proxy.example.com:3128"; empty: none, and no variable of the environment is
    /// looked at. https goes through a CONNECT tunnel, so the proxy sees the host name and nothing else.
    std::string proxy;
    TlsOptions tls;
    std::shared_ptr<Clock> clock; ///< null: Clock::system()
};

/// Counters since the transport was made.
struct TOLLGATE_API TransportStats
{
    std::uint64_t exchanges = 0;         ///< started
    std::uint64_t connectionsOpened = 0; ///< TCP connections established
    std::uint64_t reused = 0;            ///< exchanges on a connection that had served before
    std::uint64_t stale = 0;             ///< reused connections found dead
    std::size_t idleConnections = 0;     ///< in the pool now
    std::size_t openConnections = 0;     ///< in the pool or in use now
};

/// Carries one request to a server and brings back the head of the answer and a source for its body. One per process is enough;
/// clients that share it share connections and, by default, the count of what they have used of each account's limits.
/// Thread-safe. It knows nothing of authentication, limits or retries.
class TOLLGATE_API Transport
{
public:
    /// HTTP/1.1 over Poco sockets, with TLS and a connection pool. Throws ConfigurationError if no trusted certificates are
    /// found, listing where it looked (found out at the first https request).
    static std::shared_ptr<Transport> create(TransportOptions options = {});

    virtual ~Transport();

    /// Sends the request and waits for the final response head. Fills exchange.attempt. Throws TransportError or one of its
    /// leaves, or Cancelled; delivery() and details().staleConnection tell how far the request got.
    virtual Response exchange(Exchange& exchange) = 0;

    virtual const std::shared_ptr<Clock>& clock() const noexcept = 0;
    virtual TransportStats stats() const { return {}; }

    /// Whether it goes through a proxy, which sees what plain http carries.
    virtual bool usesProxy() const noexcept { return false; }

    /// Whether it shows a client certificate to this host (TlsOptions::clientCertificates): then a connection alone says who we
    /// are, and no redirect may lead there from elsewhere.
    virtual bool identifiesItselfTo(const Origin& /*origin*/) const { return false; }

    /// Connects to the host and port of an https URL, does the TLS handshake and tells what came of it, also if the peer was not
    /// accepted. No request is sent. Takes at most connectTimeout and tlsTimeout. Throws InvalidUrl (also for plain http),
    /// ConfigurationError, Cancelled, and TransportError's leaves if the handshake was not reached or broke off.
    virtual TlsReport tlsReport(std::string_view url, const CancellationToken& cancellation = {});

    /// Closes idle connections. Calls in flight go on.
    virtual void closeIdle() {}

    /// One object of type T for all who share this transport, made at the first call. This is how clients share their limits
    /// without the transport knowing of them. `make` runs under a lock of the transport: it must make no Secret and no client.
    template <class T>
    std::shared_ptr<T> shared(const std::function<std::shared_ptr<T>()>& make)
    {
        const std::lock_guard<std::mutex> lock(_sharedMutex);
        auto& entry = _shared[std::type_index(typeid(T))];
        if (!entry) entry = make();
        return std::static_pointer_cast<T>(entry);
    }

private:
    std::mutex _sharedMutex;
    std::unordered_map<std::type_index, std::shared_ptr<void>> _shared;
};

using TransportPtr = std::shared_ptr<Transport>;

} // namespace tollgate
