#pragma once

#include "tollgate/Export.h"

namespace tollgate {

/// The version of the library that is linked, as "major.minor.patch". Equals the version of the package.
TOLLGATE_API const char* version() noexcept;

} // namespace tollgate
