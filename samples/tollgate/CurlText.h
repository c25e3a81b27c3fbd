#pragma once

#include "RequestOptions.h"

#include <optional>
#include <string>

namespace tollgate::command {

/// The equivalent curl command for a POSIX shell. Secrets stand in it as "$NAME" or "$(cat FILE)", never as themselves.
std::string curlText(const RequestOptions& options, std::optional<Duration> deadline);

} // namespace tollgate::command
