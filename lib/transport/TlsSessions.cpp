#include "transport/TlsSessions.h"

#include <openssl/ssl.h>

#include <utility>

namespace tollgate::transport {

namespace {

constexpr std::size_t maxSessions = 256;

} // namespace

void FreeSession::operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }

void TlsSessions::put(const std::string& key, TlsSession session)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    if (_sessions.size() >= maxSessions && _sessions.count(key) == 0) _sessions.erase(_sessions.begin());
    _sessions.insert_or_assign(key, std::move(session));
}

TlsSession TlsSessions::take(const std::string& key)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    const auto found = _sessions.find(key);
    if (found == _sessions.end()) return nullptr;
    TlsSession session = std::move(found->second);
    if (SSL_SESSION_get_protocol_version(session.get()) < TLS1_3_VERSION && SSL_SESSION_up_ref(session.get()) == 1)
        found->second.reset(session.get()); // older ones may be used again
    else
        _sessions.erase(found);
    return session;
}

} // namespace tollgate::transport
