#pragma once

#include "tollgate/Export.h"
#include "tollgate/Url.h"

#include <string_view>

namespace tollgate::pipeline {

/// What `reference` (a Location) means at `base`, without its fragment (RFC 3986 section 5.2). Throws InvalidUrl, also for
/// userinfo.
TOLLGATE_API Url resolve(const Url& base, std::string_view reference);

} // namespace tollgate::pipeline
