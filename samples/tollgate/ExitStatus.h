#pragma once

namespace tollgate::command {

/// How the command ends. The table in docs/command.md and in --help says the same in words; scripts rely on the numbers.
enum class ExitStatus : int
{
    Ok = 0,
    Problem = 1, ///< doctor found a problem, or something failed that has no number of its own
    Usage = 2,
    Configuration = 3, ///< the set-up or the request is wrong, nothing was sent
    ClientError = 4,   ///< HTTP 4xx without a number of its own
    ServerError = 5,   ///< HTTP 5xx
    RateLimited = 6,
    Rejected = 7, ///< credential rejected, or the account is locked
    Timeout = 8,
    Tls = 9,
    Transport = 10, ///< no complete answer for another reason
    Content = 11,   ///< blocked before the API, or not the content that was due
    BadRows = 12,   ///< import: some rows were bad or refused, all others are stored
    Interrupted = 130,
    Terminated = 143
};

constexpr int number(ExitStatus status) noexcept { return static_cast<int>(status); }

/// For --help.
inline constexpr const char* exitStatusTable = R"(Exit status:
    0  the answer was 2xx or 3xx; the import stored every row; doctor found nothing wrong
    1  doctor found a problem; anything without a number of its own
    2  usage error: unknown option, missing argument, a value that cannot be read
    3  wrong set-up or request, nothing was sent: missing or impossible credential, missing scope, malformed URL,
       credentials over plain http, unreadable file, a --store that cannot be used
    4  HTTP 4xx, except 401 and 429
    5  HTTP 5xx
    6  rate limited: the local limit or a 429
    7  credential rejected (401) or account locked
    8  a deadline passed
    9  TLS: the peer could not prove who it is
   10  no complete answer for another reason: name resolution, connect, connection lost, broken or too large answer,
       a redirect that cannot be followed
   11  stopped in front of the API (an HTML page, BLOCKED), or not the content that was due
   12  import: some rows were bad or refused; the others were stored
  130  cancelled by Ctrl-C (143 by SIGTERM))";

} // namespace tollgate::command
