#pragma once

#include "Case.h"

#include "transport/Certificates.h"
#include "transport/RawServer.h"

#include <atomic>
#include <string>

namespace tollgate::faults {

/// Commits the fault; `begun` is set once the client can feel it. `rest` is what a drip goes on with.
void commit(Fault fault, transport::test::Peer& peer, const std::string& rest, bool overTls, std::atomic<bool>& begun);

/// Does what a case says once, on its first connection, and serves soundly ever after.
class FaultServer
{
public:
    FaultServer(const Case& each, SSL_CTX* tls);

    std::string url(const std::string& target) const;
    unsigned short port() const { return _server.port(); }
    /// Requests for "/fault" of which at least one byte arrived.
    unsigned seen() const { return _seen; }
    /// The fault has begun.
    bool faulted() const { return _faulted; }

private:
    void script(transport::test::Peer& peer);
    void serve(transport::test::Peer& peer);
    void serveTls(transport::test::Peer& peer);
    void faultHandshake(transport::test::Peer& peer);
    /// Reads the request or, at Place::Upload, the beginning of it. False if the client is gone.
    bool takeRequest(transport::test::Peer& peer);

    const Case _case;
    SSL_CTX* const _tls;
    std::atomic<unsigned> _seen{0};
    std::atomic<bool> _faulted{false};
    transport::test::RawServer _server;
};

} // namespace tollgate::faults
