#pragma once

#include "tollgate/RateLimitPolicy.h"

#include <string>

namespace tollgate {

/// At most `requests` in any window of this length, whatever the server's window looks like: a slot is taken until the response
/// has arrived plus the window, so no delay, jitter or clock difference leads to a 429 (docs/limits.md, Theorem A).
///
/// The default shape is Burst. If the server answers 429 while there was room, it counts differently: the limit then steps down
/// to Adaptive by itself, tells Observer::onTransition(), and stays there for the life of the stored state.
class TOLLGATE_API WindowLimit
{
public:
    /// Throws ConfigurationError if either is zero or the window is over 31 days.
    WindowLimit(unsigned requests, Duration window);

    /// Counts only paths that are this one or below it: "/fetch" covers "/fetch" and "/fetch/tags", not "/fetches".
    WindowLimit forPath(std::string prefix) const;
    /// How requests are spread over the window; default Burst.
    WindowLimit shape(Shape shape) const;
    /// Takes this limit for a ceiling and asks the server for the real one: see serverDeclared().
    WindowLimit declaredByServer() const;

    operator RateLimitPolicyPtr() const; // NOLINT(google-explicit-constructor): a limit is passed where a policy is due

private:
    unsigned _requests;
    Duration _window;
    std::string _prefix;
    Shape _shape = Shape::Burst;
    bool _declaredByServer = false;
};

/// `requests` in any 60 seconds.
TOLLGATE_API WindowLimit perMinute(unsigned requests);
/// `requests` in any 3600 seconds.
TOLLGATE_API WindowLimit perHour(unsigned requests);

/// For a plan that is not known: one request goes first, then the limit is what the server says of itself (X-RateLimit-Limit,
/// RateLimit-Policy), never above `ceiling`, and follows later changes. If a successful answer says nothing, the ceiling counts.
TOLLGATE_API WindowLimit serverDeclared(const WindowLimit& ceiling);

} // namespace tollgate
