#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

struct ssl_session_st;

namespace tollgate::transport {

struct FreeSession
{
    void operator()(ssl_session_st* session) const noexcept;
};
using TlsSession = std::unique_ptr<ssl_session_st, FreeSession>;

/// The newest session of each host and port. A session is never offered to another name, because resumption checks no name, no
/// chain and no pins: whoever resumes is who was verified then. Thread-safe.
class TlsSessions
{
public:
    void put(const std::string& key, TlsSession session);
    /// Takes it out, if TLS 1.3 made it: such a ticket is for one use (RFC 8446 appendix C.4).
    TlsSession take(const std::string& key);

private:
    std::mutex _mutex;
    std::unordered_map<std::string, TlsSession> _sessions;
};

} // namespace tollgate::transport
