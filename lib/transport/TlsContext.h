#pragma once

#include "transport/TlsStream.h"

#include "tollgate/Transport.h"

#include <Poco/Net/Context.h>

#include <memory>
#include <string>

namespace tollgate::transport {

/// The TLS settings of one transport: trusted certificates, protocol versions, groups, and the sessions to resume. Thread-safe.
class TlsContext
{
public:
    /// Throws ConfigurationError with the list of places tried if there are no certificates to trust.
    explicit TlsContext(const TlsOptions& options);
    ~TlsContext();

    /// A client's stream on that descriptor which verifies the origin's host, resuming the newest session of that host and port.
    std::unique_ptr<TlsStream> open(int descriptor, const Origin& origin);

private:
    class Sessions;
    void trust(const TlsOptions& options);
    Poco::Net::Context::Ptr _context;
    std::shared_ptr<Sessions> _sessions;
};

} // namespace tollgate::transport
