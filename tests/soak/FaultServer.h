#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::soak {

/// What is to go wrong: the client says so in the path, "/ok", "/cut".
enum class Fault : unsigned
{
    None,
    Chunked,      ///< a longer body in chunks
    Drip,         ///< the body in pieces, a pause between
    CloseAfter,   ///< a good answer, then the connection ends: the next call meets a stale one
    Reset,        ///< after the request
    Cut,          ///< half a body, then the end
    Nonsense,     ///< no HTTP
    ServerError,  ///< 500
    Unavailable,  ///< 503
    Throttled,    ///< 429 with Retry-After
    Unauthorized, ///< 401
    Stall         ///< no answer
};
constexpr unsigned faultCount = 12;
const char* pathOf(Fault fault) noexcept;

/// Answers on a free loopback port with a fixed number of threads, one a connection: it takes no more as it goes on.
class FaultServer
{
public:
    /// `tls` null: plain http.
    FaultServer(SSL_CTX* tls, std::size_t threads);
    ~FaultServer();
    FaultServer(const FaultServer&) = delete;
    FaultServer& operator=(const FaultServer&) = delete;
    std::string url() const;

private:
    void work();
    void serve(int descriptor);

    SSL_CTX* _tls;
    int _listener = -1;
    unsigned short _port = 0;
    std::atomic<bool> _ended{false};
    std::vector<std::thread> _threads;
};

} // namespace tollgate::soak
