#pragma once

#include "tollgate/Observer.h"

#include <Poco/Logger.h>

namespace tollgate::poco {

/// Tells a Poco::Logger what clients do: attempts at debug level, failed ones as warnings, notices as information. URLs are
/// redacted before they get here. Keeps the logger alive. Thread-safe, as Poco's loggers are.
TOLLGATE_API ObserverPtr loggerObserver(Poco::Logger& logger);

} // namespace tollgate::poco
