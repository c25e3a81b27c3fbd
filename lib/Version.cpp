#include "tollgate/Version.h"

namespace tollgate {

const char* version() noexcept { return TOLLGATE_VERSION; }

} // namespace tollgate
