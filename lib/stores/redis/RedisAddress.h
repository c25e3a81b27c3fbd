#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tollgate::stores {

/// Where a Redis server listens: "host", "host:port", "[::1]:6379", "redis://host:port/2" or "unix:/path/to/socket".
struct RedisAddress
{
    std::string host;
    std::uint16_t port = 6379;
    std::string socketPath; ///< instead of host and port
    std::optional<unsigned> database;

    /// Throws ConfigurationError.
    static RedisAddress parse(const std::string& text);

    /// "the quota store at Redis cache.local:6379".
    std::string describe() const;
};

} // namespace tollgate::stores
