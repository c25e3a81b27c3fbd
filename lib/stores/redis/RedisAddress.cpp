#include "stores/redis/RedisAddress.h"

#include "tollgate/Error.h"

#include <algorithm>
#include <string_view>

namespace tollgate::stores {

namespace {

/// The text itself may hold a password that somebody put there, so no message repeats it.
[[noreturn]] void refuse(const std::string& what, const std::string& hint = {})
{
    static const std::string forms = "Write host, host:port, redis://host:port/2 or unix:/path/to/socket.";
    throw ConfigurationError("The address of the Redis server cannot be used: " + what + '.', hint.empty() ? forms : hint);
}

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

unsigned number(std::string_view digits, unsigned most, const std::string& what)
{
    unsigned value = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') refuse("the " + what + " is not a number");
        value = value * 10 + static_cast<unsigned>(digit - '0');
        if (value > most) refuse("the " + what + " is over " + std::to_string(most));
    }
    if (digits.empty()) refuse("the " + what + " is missing");
    return value;
}

} // namespace

RedisAddress RedisAddress::parse(const std::string& text)
{
    RedisAddress address;
    std::string_view rest = text;
    if (startsWith(rest, "unix:")) {
        rest.remove_prefix(5);
        if (startsWith(rest, "//")) rest.remove_prefix(2);
        if (rest.empty() || rest.front() != '/') refuse("the path of the socket is not absolute");
        if (rest.size() > 107) refuse("the path of the socket is longer than the 107 characters that the system takes");
        address.socketPath = rest;
        return address;
    }
    if (startsWith(rest, "rediss://"))
        refuse("this store does not speak TLS",
               "Use redis:// over a private network, or a tunnel such as stunnel on this machine.");
    if (startsWith(rest, "redis://")) rest.remove_prefix(8);
    if (rest.find('@') != std::string_view::npos)
        refuse("it holds a user name or password", "Give them as RedisStoreOptions::user and ::password.");
    if (rest.find("://") != std::string_view::npos) refuse("its scheme is not known");
    if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
        if (slash + 1 < rest.size()) address.database = number(rest.substr(slash + 1), 1'000'000, "database");
        rest = rest.substr(0, slash);
    }
    std::size_t colon = rest.rfind(':');
    if (startsWith(rest, "[")) {
        const std::size_t end = rest.find(']');
        if (end == std::string_view::npos) refuse("a ] is missing");
        address.host = rest.substr(1, end - 1);
        colon = end + 1 < rest.size() ? end + 1 : std::string_view::npos;
        if (colon != std::string_view::npos && rest[colon] != ':') refuse("something stands behind the ]");
    } else if (std::count(rest.begin(), rest.end(), ':') > 1) {
        address.host = rest; // an IPv6 address without brackets
        colon = std::string_view::npos;
    } else {
        address.host = rest.substr(0, colon);
    }
    if (colon != std::string_view::npos) {
        address.port = static_cast<std::uint16_t>(number(rest.substr(colon + 1), 65'535, "port"));
        if (address.port == 0) refuse("the port is 0");
    }
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '?' || c == '#' || c == '%'; };
    if (address.host.empty()) refuse("the host is missing");
    if (std::any_of(address.host.begin(), address.host.end(), odd)) refuse("the host is not a host name");
    return address;
}

std::string RedisAddress::describe() const
{
    if (!socketPath.empty()) return "the quota store at Redis " + socketPath;
    const bool brackets = host.find(':') != std::string::npos;
    return "the quota store at Redis " + (brackets ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

} // namespace tollgate::stores
