#pragma once

#include "transport/TlsStream.h"

#include "tollgate/Transport.h"

#include <Poco/Net/Context.h>

#include <memory>
#include <string>

namespace tollgate::transport {

/// The TLS settings of one transport: trusted certificates, protocol versions, groups, pins, client certificates, and the
/// sessions to resume. Thread-safe.
class TlsContext
{
public:
    /// Throws ConfigurationError with the list of places tried if there are no certificates to trust, and for client
    /// certificates and pins that cannot be used.
    explicit TlsContext(const TlsOptions& options);
    ~TlsContext();

    /// A client's stream on that descriptor which verifies the origin's host and pins, resuming the newest session of that host
    /// and port. It shows the host's client certificate, if it has one, once it has verified the peer.
    std::unique_ptr<TlsStream> open(int descriptor, const Origin& origin);

    /// The same to look at a peer: its handshake goes on whatever the peer proves, so that all of it can be seen, and fails at
    /// its end if the peer was not verified. Nothing is resumed, nothing is kept to be resumed, and no certificate of ours is
    /// shown to a peer that is not verified.
    std::unique_ptr<TlsStream> look(int descriptor, const Origin& origin);

    /// Why the pins refuse a peer whose chain is in order; empty if they do not.
    static const std::string& pinMismatch(const TlsStream& stream) noexcept;
    /// Whether the server wanted to see a certificate.
    static bool certificateAsked(const TlsStream& stream) noexcept;

    /// Where the trusted certificates came from.
    const std::string& trust() const noexcept { return _trust; }

private:
    struct Settings;
    struct Notes;
    std::unique_ptr<TlsStream> start(int descriptor, const Origin& origin, bool look);
    Poco::Net::Context::Ptr _context;
    std::string _trust;
    std::shared_ptr<Settings> _settings;
};

} // namespace tollgate::transport
