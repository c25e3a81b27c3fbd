#pragma once

#include "transport/Connection.h"
#include "transport/TlsContext.h"
#include "transport/Wait.h"

#include "tollgate/Tls.h"

namespace tollgate::transport {

/// Does the TLS handshake on a fresh connection, without a byte of a request, and tells what came of it. A connection that ends
/// before the peer has answered with TLS is a TlsError. Throws Timeout, Cancelled too.
TlsReport inspectTls(TlsContext& context, const Connection& connection, Watch& watch, PhaseLimit limit);

} // namespace tollgate::transport
