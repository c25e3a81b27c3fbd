#pragma once

#include "tollgate/Clock.h"

#include <string>

namespace tollgate {

/// What is known of whether the server saw the request: what one needs to know before one repeats a POST.
enum class Delivery
{
    NotSent,        ///< no byte of the request left: repeat it freely
    MaybeProcessed, ///< it left, or part of it, and no answer came: the server may have acted
    Answered        ///< the server answered
};

/// "NotSent", "MaybeProcessed" or "Answered".
TOLLGATE_API const char* toString(Delivery delivery) noexcept;

/// One attempt of a call, as errors and responses report it. Durations are zero for phases that did not happen.
struct TOLLGATE_API Attempt
{
    std::string address; ///< peer that was connected, "203.0.113.5:443"
    bool reusedConnection = false;
    Duration waited{};     ///< before the attempt: for a permit, a back-off or a credential
    std::string waitedFor; ///< what for: "permit", "backoff", "credential"; empty if it did not wait
    Duration resolve{};    ///< name resolution
    Duration connect{};    ///< TCP connect
    Duration tls{};        ///< TLS handshake
    Duration firstByte{};  ///< from the request's first byte to the response head
    Duration total{};      ///< of the whole exchange up to the response head, or up to the failure
    int status = 0;        ///< 0: no answer
    std::string error;     ///< type of the error, if it failed: "ConnectionLost"
    Delivery delivery = Delivery::NotSent;
};

} // namespace tollgate
