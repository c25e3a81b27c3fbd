#pragma once

#include "DoctorFinding.h"
#include "ProviderSetup.h"

#include <string>

namespace tollgate::command {

/// The checks that need no network: variables, credentials, base URL and user agent, in this order. Answers what is wrong and
/// what is fine. No value of a credential is ever part of a finding.
DoctorFindings checkSetup(const ProviderSetup& setup, const std::string& userAgent);

} // namespace tollgate::command
