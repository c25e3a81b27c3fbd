#pragma once

#include "tollgate/Export.h"

#include <cstddef>
#include <memory>
#include <string>

struct ssl_st;
struct ssl_ctx_st;

namespace tollgate::transport {

/// What a non-blocking TLS step came to.
enum class TlsStep
{
    Done,      ///< it worked
    WantRead,  ///< again when the descriptor is readable
    WantWrite, ///< again when the descriptor is writable
    Closed,    ///< the peer ended the connection in order (close_notify)
    Failed     ///< see TlsStream::failure()
};

/// TLS over a non-blocking descriptor, client or server side: our own SSL object and our own BIO, never Poco's. It never waits;
/// whoever owns the descriptor polls. Not thread-safe.
class TOLLGATE_API TlsStream
{
public:
    /// A client's stream. `host` is verified against the certificate (name or IP address) inside the handshake, and sent as SNI
    /// if it is a name. The context must outlive the stream; the descriptor is not closed by it.
    static std::unique_ptr<TlsStream> client(ssl_ctx_st* context, int descriptor, const std::string& host);
    /// A server's stream, for the sandbox.
    static std::unique_ptr<TlsStream> server(ssl_ctx_st* context, int descriptor);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    TlsStep handshake();
    /// Reads up to `capacity` bytes; `count` is set when Done.
    TlsStep read(char* buffer, std::size_t capacity, std::size_t& count);
    /// Writes up to `size` bytes; `count` is set when Done. After WantRead or WantWrite call it again with the same bytes. A
    /// client whose handshake() has not come to Done sends nothing: OpenSSL alone would go on with the handshake here.
    TlsStep write(const char* data, std::size_t size, std::size_t& count);
    /// Sends close_notify without waiting for the peer's.
    void shutdown() noexcept;

    /// Whether an idle stream still lives: takes in session tickets, finds an end or unexpected data. Never waits.
    bool isAlive();
    /// Gives back the record buffers while the connection is idle.
    void releaseBuffers() noexcept;

    /// After Failed: what went wrong in plain words; whether it was the peer's certificate.
    const std::string& failure() const noexcept { return _failure; }
    bool certificateRejected() const noexcept { return _certificateRejected; }
    /// Whether the connection ended, in order or not, where the peer should have gone on.
    bool brokenOff() const noexcept { return _brokenOff; }

    ssl_st* native() const noexcept { return _ssl; }

private:
    TlsStream(ssl_st* ssl, int descriptor);
    void begin() noexcept;
    TlsStep step(int result);
    TlsStep failed(std::string why);
    ssl_st* _ssl;
    int _descriptor;
    std::string _failure;
    bool _certificateRejected = false;
    bool _brokenOff = false;
    bool _verified = false; ///< a client's peer, by a complete handshake()
};

} // namespace tollgate::transport
