#pragma once

#include "tollgate/AuthStrategy.h"

namespace tollgate {

/// No credential. `account` names the principal whose limits are counted.
TOLLGATE_API AuthStrategyPtr anonymous(std::string account = "anonymous");

} // namespace tollgate
