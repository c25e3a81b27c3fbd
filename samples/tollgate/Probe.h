#pragma once

#include "DoctorFinding.h"
#include "ProviderSetup.h"

#include "tollgate/Cancellation.h"
#include "tollgate/Transport.h"

#include <string>

namespace tollgate::command {

/// Asks the provider for its cheapest authenticated answers and explains what comes back. One attempt each, and none after the
/// first refusal: a doctor must not drive an account into a lockout. What `store` knows of one keeps it silent too; it may be
/// null. Throws Cancelled.
DoctorFindings probe(const ProviderSetup& setup, const std::string& userAgent, const TransportPtr& transport,
                     const QuotaStorePtr& store, const CancellationToken& token);

} // namespace tollgate::command
