#pragma once

#include "tollgate/ServerHint.h"

namespace tollgate::limits {

/// What the fields of an answer say of quotas and waits. `wallNow` stands in for a missing Date. Costs next to nothing if there
/// is none.
ServerHint serverHint(const Headers& headers, WallTime wallNow);

} // namespace tollgate::limits
