#pragma once

#include "tollgate/Attempt.h"
#include "tollgate/Export.h"

#include <memory>
#include <string>
#include <string_view>

namespace tollgate {

/// One attempt, as it may be logged: everything that a carrier holds is replaced by "***".
struct TOLLGATE_API AttemptRecord
{
    std::string method;
    std::string url; ///< redacted
    const Attempt& attempt;
    std::string requestId;
};

/// Something worth telling that is not an error: two clients declare different limits, a server contradicts the limits.
struct TOLLGATE_API Notice
{
    std::string text;
};

/// Sees what clients do, for logs, metrics and audit. Called on the thread that does it: be short, be thread-safe, do not throw.
class TOLLGATE_API Observer
{
public:
    virtual ~Observer() = default;
    virtual void onAttempt(const AttemptRecord& /*record*/) {}
    virtual void onNotice(const Notice& /*notice*/) {}
};

using ObserverPtr = std::shared_ptr<Observer>;

} // namespace tollgate
