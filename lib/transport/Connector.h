#pragma once

#include "transport/Connection.h"
#include "transport/Wait.h"

#include <Poco/Net/IPAddress.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace tollgate::transport {

/// Opens a TCP connection for the origin, to its own addresses and port or to those of a proxy: tries the addresses in turn, each
/// with its share of the time that is left, so that one dead address does not use up the time of the others. Throws ConnectError
/// (naming each address and why), Timeout if all of them were silent, Cancelled.
std::unique_ptr<Connection> connect(const Origin& origin, const std::vector<Poco::Net::IPAddress>& addresses, std::uint16_t port,
                                    Watch& watch, PhaseLimit& limit);

} // namespace tollgate::transport
