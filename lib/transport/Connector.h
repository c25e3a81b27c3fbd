#pragma once

#include "transport/Connection.h"
#include "transport/Wait.h"

#include <Poco/Net/IPAddress.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace tollgate::transport {

/// Opens a TCP connection for the origin, to its own addresses and port or to those of a proxy. The addresses race, as RFC 8305
/// has it in its simple form: families take turns, a new attempt begins every 250 ms or as soon as one has failed, the first that
/// connects wins and the others are closed. It all happens in one wait of the calling thread. Throws ConnectError or Timeout,
/// both naming each address and why, and Cancelled.
std::unique_ptr<Connection> connect(const Origin& origin, const std::vector<Poco::Net::IPAddress>& addresses, std::uint16_t port,
                                    Watch& watch, PhaseLimit& limit);

} // namespace tollgate::transport
