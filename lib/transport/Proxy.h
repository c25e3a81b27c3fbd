#pragma once

#include "transport/Connection.h"
#include "transport/Wait.h"

#include "tollgate/Error.h"
#include "tollgate/Url.h"

#include <cstddef>
#include <optional>
#include <string>

namespace tollgate::transport {

/// The proxy of TransportOptions::proxy; nothing if the text is empty. Throws ConfigurationError for what is not an http URL of
/// host and port alone; the message never repeats a login.
std::optional<Origin> parseProxy(const std::string& url);

/// Asks the proxy at the other end of the connection for a tunnel to the connection's origin (RFC 9110 section 9.3.6) and waits
/// for its answer. The limit holds for all of it, progress or not. Throws ConnectError if the proxy refuses, ConnectionLost,
/// ProtocolError, ResponseTooLarge, Timeout, Cancelled.
void openTunnel(Connection& connection, Watch& watch, PhaseLimit limit, std::size_t maxHeadBytes);

/// The same error, saying that it happened on the way to the proxy or at it.
ErrorPtr atProxy(const TransportError& error, const Origin& proxy);

} // namespace tollgate::transport
