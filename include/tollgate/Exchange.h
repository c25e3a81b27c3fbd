#pragma once

#include "tollgate/Attempt.h"
#include "tollgate/Body.h"
#include "tollgate/Cancellation.h"
#include "tollgate/Clock.h"
#include "tollgate/Headers.h"
#include "tollgate/Url.h"

#include <string>

namespace tollgate {

/// One attempt's request on its way to the wire: a copy of the request, and the only place where secrets stand in it.
struct TOLLGATE_API Exchange
{
    std::string method;
    Url url;                    ///< a strategy may add query parameters
    Headers headers;            ///< a strategy may add fields; Host and the framing fields are the transport's own
    RequestBodyPtr body;        ///< null: none
    TimePoint deadline = never; ///< on the transport's clock; for everything up to the end of the body
    CancellationToken cancellation;
    Attempt attempt; ///< filled in by the transport as it goes
};

} // namespace tollgate
