#pragma once

#include "tollgate/Body.h"
#include "tollgate/Response.h"
#include "tollgate/Result.h"
#include "tollgate/Url.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::command {

/// One request of a chain of redirects.
struct Hop
{
    std::string method;
    Url url;
    std::vector<std::pair<std::string, std::string>> headers;
    RequestBodyPtr body; ///< null: none
    std::string contentType;
    /// The chain never left its first origin. Once it has, no hop carries the credential, not even one back home: the address
    /// was another's choice.
    bool home = true;
};

using SendHop = std::function<Result<Response>(const Hop&)>;

/// As many redirects are followed; one more is an error.
inline constexpr unsigned maxRedirects = 10;

/// What `reference` means at `base` (RFC 3986 section 5.2), without the fragment. Throws InvalidUrl.
Url resolve(const Url& base, std::string_view reference);

/// Sends the hop and follows the redirects that come back (RFC 9110 section 15.4): 301, 302, 303, 307 and 308 with a Location. At
/// another origin only harmless header fields remain, and the query parameters named in `secretQuery` are taken out of its
/// URL. The attempts of all hops are in the answer, or in the error.
///
/// Errors of the redirects themselves hold the last answer: ProtocolError for a circle or too many of them, InvalidUrl for a
/// Location that is malformed or has userinfo, InsecureTransport for one that leads from https to http.
Result<Response> follow(Hop hop, const std::vector<std::string>& secretQuery, const SendHop& send);

} // namespace tollgate::command
