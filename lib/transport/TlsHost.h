#pragma once

#include <string>

namespace tollgate::transport {

/// The host that an option names, as the hosts of origins are written: lower case, an IPv6 literal without brackets, and without
/// the dot at the end of an absolute name. Throws ConfigurationError, naming the option, for what is not a host alone.
std::string hostOfOption(const std::string& text, const char* option);

/// "api.example.com." is the same host as "api.example.com".
std::string withoutRootDot(std::string host);

} // namespace tollgate::transport
