#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Export.h"
#include "transport/Wait.h"

#include <Poco/Net/IPAddress.h>

#include <string>
#include <vector>

namespace tollgate::stores {

/// The addresses of a host name, by the transport's resolver: a name server that does not answer costs no more than `patience`.
/// Throws BackendFailure, and what the watch throws.
TOLLGATE_API std::vector<Poco::Net::IPAddress> lookUp(const std::string& host, Duration patience, transport::Watch& watch);

} // namespace tollgate::stores
