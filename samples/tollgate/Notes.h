#pragma once

#include "tollgate/Observer.h"

namespace tollgate::command {

/// Tells on standard error, a line each, what is worth knowing and no error: limits that differ from those of other runs, a limit
/// that stepped down, a store that cannot be reached.
ObserverPtr notesOnStandardError();

} // namespace tollgate::command
