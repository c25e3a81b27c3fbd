#pragma once

#include "tollgate/Export.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate {

/// Scheme, host and port: what credentials, connections and limits belong to (RFC 6454).
struct TOLLGATE_API Origin
{
    std::string scheme;     ///< "http" or "https"
    std::string host;       ///< lower case; an IPv6 literal without brackets
    std::uint16_t port = 0; ///< never 0: the scheme's default is filled in

    bool isTls() const noexcept { return scheme == "https"; }
    /// "https://host" or "https://host:8443"; the default port is left out, an IPv6 literal is bracketed.
    std::string text() const;
    /// "host" or "host:8443" as the Host field wants it (RFC 9110 section 7.2).
    std::string authority() const;

    friend bool operator==(const Origin& a, const Origin& b) noexcept
    {
        return a.port == b.port && a.host == b.host && a.scheme == b.scheme;
    }
    friend bool operator!=(const Origin& a, const Origin& b) noexcept { return !(a == b); }
};

/// An http or https URL, split and checked (RFC 3986, RFC 9110 section 4.2). The path and query are kept as they were given,
/// since decoding and encoding again may change their meaning. A fragment is dropped: it is never sent.
class TOLLGATE_API Url
{
public:
    Url() = default;

    /// Throws InvalidUrl: no scheme, a scheme other than http and https, no host, a bad port, white space, control characters or
    /// bytes that must be percent-encoded, and userinfo ("https://key:secret@host"), whose hint names the safe equivalent. The
    /// message never repeats the userinfo.
    explicit Url(std::string_view text);

    const Origin& origin() const noexcept { return _origin; }
    /// "/path?query" as the request line wants it; never empty.
    const std::string& target() const noexcept { return _target; }
    /// The path without the query.
    std::string_view path() const noexcept;
    /// The query without its '?', empty if there is none.
    std::string_view query() const noexcept;
    std::string text() const { return _origin.text() + _target; }

    /// This URL as a base, with `target` below it: "https://h/v1" and "/bots" give "https://h/v1/bots". An absolute `target`
    /// stands for itself. Throws InvalidUrl as the constructor does.
    Url below(std::string_view target) const;

    /// Adds "name=value", percent-encoded.
    void addQuery(std::string_view name, std::string_view value);
    bool hasQuery(std::string_view name) const noexcept;

private:
    Origin _origin;
    std::string _target;
};

/// Percent-encodes everything but RFC 3986's unreserved characters: for a path segment, a query name or a query value.
TOLLGATE_API std::string percentEncode(std::string_view text);
TOLLGATE_API void appendPercentEncoded(std::string& to, std::string_view text);

} // namespace tollgate
