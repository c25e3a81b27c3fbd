#include "tollgate/Url.h"

#include "tollgate/Error.h"
#include "tollgate/Headers.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

namespace tollgate {

namespace {

constexpr char hexDigits[] = "0123456789ABCDEF";

bool isUnreserved(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

bool isHex(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

[[noreturn]] void refuse(std::string message, std::string hint)
{
    ErrorDetails details;
    details.message = std::move(message);
    details.hint = std::move(hint);
    throw InvalidUrl(std::move(details));
}

/// RFC 3986's path and query characters, plus those that servers take raw and browsers send raw ('[', ']', '|', '^', '`', '{',
/// '}'). A '%' must begin a percent-encoded byte.
void checkTarget(std::string_view target)
{
    for (std::size_t i = 0; i < target.size(); ++i) {
        const auto c = static_cast<unsigned char>(target[i]);
        if (c <= 0x20 || c == 0x7f) {
            if (c == '\r' || c == '\n')
                refuse("the path or query of the URL holds a line break",
                       "A line break would end the request line and smuggle in another request. Percent-encode values "
                       "(Request::query does) or remove it.");
            refuse("the path or query of the URL holds white space or a control character",
                   "Percent-encode it: a space is %20. Request::query and percentEncode do it for you.");
        }
        if (c >= 0x80)
            refuse("the path or query of the URL holds a byte outside ASCII", "Percent-encode it as UTF-8; percentEncode does.");
        if (c == '"' || c == '<' || c == '>' || c == '\\')
            refuse("the path or query of the URL holds a character that must be percent-encoded",
                   "Percent-encode '\"', '<', '>' and '\\'. A <place holder> that was never filled in looks like that.");
        if (c == '%' && !(i + 2 < target.size() && isHex(target[i + 1]) && isHex(target[i + 2])))
            refuse("the path or query of the URL holds a '%' that begins no percent-encoded byte",
                   "Write %25 for a percent sign.");
    }
}

std::uint16_t parsePort(std::string_view text)
{
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || value == 0 || value > 65535)
        refuse("the port of the URL is not a number from 1 to 65535", "Write it as in https://host:8443/path, or leave it out.");
    return static_cast<std::uint16_t>(value);
}

std::string parseHost(std::string_view text, bool bracketed)
{
    std::string host(text);
    std::transform(host.begin(), host.end(), host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    if (host.empty()) refuse("the URL names no host", "Write it as in https://host/path.");
    if (bracketed) { // RFC 3986 section 3.2.2: else "[abc]" would become the name "abc"
        in6_addr address{};
        if (host.find('\0') != std::string::npos || ::inet_pton(AF_INET6, host.c_str(), &address) != 1)
            refuse("what stands in the brackets of the URL is no IPv6 address", "Write it as in http://[::1]:8080/.");
        char text6[INET6_ADDRSTRLEN]; // one form for one address, or "0:0:0:0:0:0:0:1" would be another origin than "::1"
        host = ::inet_ntop(AF_INET6, &address, text6, sizeof text6);
    } else if (host.size() > 255 || !std::all_of(host.begin(), host.end(), [](char c) { return isUnreserved(c) && c != '~'; }))
        refuse("the host of the URL holds a character that no host name has",
               "Write it as in https://host/path. An internationalised name must be given in its ASCII (xn--) form.");
    else if (host.front() == '.' || host.find("..") != std::string::npos) // ".example.com" stands for all names below it
        refuse("the host of the URL has an empty label",
               "Was a part of the name never filled in? Write it as in https://host/path.");
    return host;
}

} // namespace

std::string Origin::authority() const
{
    const bool literal = host.find(':') != std::string::npos;
    std::string text = literal ? '[' + host + ']' : host;
    if (port != (isTls() ? 443 : 80)) text += ':' + std::to_string(port);
    return text;
}

std::string Origin::text() const { return scheme + "://" + authority(); }

Url::Url(std::string_view text)
{
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) refuse("the URL has no scheme", "Write it in full, as in https://host/path.");
    const std::string_view scheme = text.substr(0, colon);
    if (equalsIgnoreCase(scheme, "https"))
        _origin.scheme = "https";
    else if (equalsIgnoreCase(scheme, "http"))
        _origin.scheme = "http";
    else
        refuse("the scheme of the URL is neither https nor http", "Write it as in https://host/path.");

    text.remove_prefix(colon + 3);
    text = text.substr(0, text.find('#'));
    const auto end = std::min(text.find_first_of("/?\\"), text.size());
    std::string_view authority = text.substr(0, end);
    // Before anything of it could get into a message: the part up to the last '@' may be a secret.
    if (authority.find('@') != std::string_view::npos)
        refuse("the URL carries a user name or password before the '@'",
               "URLs end up in logs and error reports. Leave them out and pass the credential separately: "
               "Client::auth(tollgate::basic(user, password)), or --auth basic:env:USER:env:PASS on the command line.");

    std::string_view port;
    if (!authority.empty() && authority.front() == '[') {
        const auto close = authority.find(']');
        if (close == std::string_view::npos)
            refuse("the URL's IPv6 address has no closing bracket", "Write it as in http://[::1]:8080/.");
        _origin.host = parseHost(authority.substr(1, close - 1), true);
        port = authority.substr(close + 1);
        if (!port.empty() && port.front() != ':') refuse("the URL's host is malformed", "Write it as in http://[::1]:8080/.");
    } else {
        const auto at = std::min(authority.find(':'), authority.size());
        _origin.host = parseHost(authority.substr(0, at), false);
        port = authority.substr(at);
    }
    _origin.port = port.size() > 1 ? parsePort(port.substr(1)) : static_cast<std::uint16_t>(_origin.isTls() ? 443 : 80);

    const std::string_view target = text.substr(end);
    checkTarget(target);
    if (target.empty() || target.front() != '/') _target = '/';
    _target += target;
}

std::string_view Url::path() const noexcept
{
    const std::string_view target = _target;
    return target.substr(0, target.find('?'));
}

std::string_view Url::query() const noexcept
{
    const std::string_view target = _target;
    const auto mark = target.find('?');
    return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

Url Url::below(std::string_view target) const
{
    const auto scheme = target.find("://");
    if (scheme != std::string_view::npos && scheme < target.find_first_of("/?#")) return Url(target);
    target = target.substr(0, target.find('#'));
    checkTarget(target);

    Url result;
    result._origin = _origin;
    std::string_view base = path();
    if (!base.empty() && base.back() == '/' && !target.empty() && target.front() != '?') base.remove_suffix(1);
    result._target.reserve(base.size() + target.size() + 64);
    result._target = base;
    if (!target.empty() && target.front() != '/' && target.front() != '?') result._target += '/';
    result._target += target;
    if (result._target.empty()) result._target = '/';
    return result;
}

void Url::addQuery(std::string_view name, std::string_view value)
{
    const std::size_t most = _target.size() + 1 + 3 * name.size() + 1 + 3 * value.size();
    if (_target.capacity() < most) {
        std::string grown;
        grown.reserve(2 * most);
        grown += _target;
        _target.swap(grown);
        OPENSSL_cleanse(grown.data(), grown.size()); // it may have held a credential
    }
    _target += _target.find('?') == std::string::npos ? '?' : '&';
    appendPercentEncoded(_target, name);
    _target += '=';
    appendPercentEncoded(_target, value);
}

bool Url::hasQuery(std::string_view name) const noexcept
{
    std::string_view rest = query();
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        if (pair.substr(0, pair.find('=')) == name) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

void appendPercentEncoded(std::string& to, std::string_view text)
{
    for (const char c : text) {
        if (isUnreserved(c)) {
            to += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            to += '%';
            to += hexDigits[byte >> 4];
            to += hexDigits[byte & 15];
        }
    }
}

std::string percentEncode(std::string_view text)
{
    std::string encoded;
    encoded.reserve(3 * text.size()); // never grows: it may be a secret
    appendPercentEncoded(encoded, text);
    return encoded;
}

} // namespace tollgate
