#pragma once

#include "transport/ConnectionPool.h"
#include "transport/RequestWriter.h"
#include "transport/Resolver.h"
#include "transport/ResponseReader.h"
#include "transport/TlsContext.h"

#include "tollgate/Transport.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace tollgate::transport {

/// HTTP/1.1 over Poco sockets. Thread-safe. After fork() the child works with a state of its own and leaves the parent's alone.
class PocoTransport final : public Transport
{
public:
    /// `lookup` stands in for the system's name resolution, for tests.
    explicit PocoTransport(TransportOptions options, Resolver::Lookup lookup = {});
    ~PocoTransport() override;
    PocoTransport(const PocoTransport&) = delete;
    PocoTransport& operator=(const PocoTransport&) = delete;

    Response exchange(Exchange& exchange) override;
    const std::shared_ptr<Clock>& clock() const noexcept override { return _options.clock; }
    bool usesProxy() const noexcept override { return _proxy.has_value(); }
    bool identifiesItselfTo(const Origin& origin) const override;
    TlsReport tlsReport(std::string_view url, const CancellationToken& cancellation) override;
    TransportStats stats() const override;
    void closeIdle() override;

private:
    /// What belongs to one process.
    struct State
    {
        State(const TransportOptions& options, const Resolver::Lookup& lookup);
        const pid_t process;
        Resolver resolver;
        std::shared_ptr<ConnectionPool> pool;
        std::mutex tlsMutex;
        std::unique_ptr<TlsContext> tls; ///< made at the first https request
    };

    Response carry(Exchange& exchange, const std::shared_ptr<ResponseReader>& reader);
    void connect(Exchange& exchange, ResponseReader& reader);
    /// Opens a connection to the origin, through the proxy if there is one, up to where TLS begins.
    std::unique_ptr<Connection> open(const Origin& origin, Attempt& attempt, State& mine, Watch& watch);
    TimePoint realDeadline(TimePoint deadline) const;
    TlsContext& tlsContext(State& state) const;
    State& state() const;

    TransportOptions _options;
    const Resolver::Lookup _lookup;
    const std::optional<Origin> _proxy;
    bool _virtualClock;
    mutable std::atomic<State*> _state;
    std::atomic<std::uint64_t> _exchanges{0};
    std::atomic<std::uint64_t> _opened{0};
    std::atomic<std::uint64_t> _reused{0};
};

} // namespace tollgate::transport
