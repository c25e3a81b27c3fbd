#pragma once

#include "transport/TlsStream.h"
#include "transport/Wait.h"

#include "tollgate/Url.h"

#include <Poco/Net/StreamSocket.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tollgate::transport {

class TlsContext;

/// Memory straight from the kernel and straight back to it: buffers of many connections that worked at once would else stay in
/// the heap, in holes between what lives longer.
struct Unmap
{
    std::size_t size = 0;
    void operator()(char* pages) const noexcept;
};
using Pages = std::unique_ptr<char, Unmap>;
/// Throws std::bad_alloc.
Pages mapPages(std::size_t size);

/// What a connection needs only while it works: lent by the pool, so that idle connections hold none.
struct Buffers
{
    static constexpr std::size_t inputSize = 16 * 1024;
    Pages input;
    std::size_t inputCapacity = 0;
    std::string output;
};

/// One TCP connection to an origin, with TLS on it if the origin wants that. Poco's socket owns the descriptor and does nothing
/// else: it is non-blocking, and all waiting happens in Watch. Used by one thread at a time.
class Connection
{
public:
    /// Takes over a connected, non-blocking descriptor. `address` is that of the peer, which may be a proxy:
    /// "203.0.113.5:443".
    Connection(int descriptor, const Origin& origin, std::string address);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// TLS handshake with verification of the origin's host name. Throws TlsError, Timeout, Cancelled, ConnectionLost.
    void secure(TlsContext& context, Watch& watch, PhaseLimit limit);

    const Origin& origin() const noexcept { return _origin; }
    const std::string& address() const noexcept { return _address; }
    /// "Host: api.example.com\r\n", rendered once.
    const std::string& hostLine() const noexcept { return _hostLine; }
    int descriptor() const noexcept { return _descriptor; }
    bool isTls() const noexcept { return _tls != nullptr; }

    /// Writes what goes out without waiting. Throws ConnectionLost.
    TlsStep trySend(const char* data, std::size_t size, std::size_t& count);
    /// Receives what is there without waiting. Throws ConnectionLost; Closed is the peer's orderly end.
    TlsStep tryReceive(char* buffer, std::size_t capacity, std::size_t& count);
    /// Waits for bytes; 0 is the peer's orderly end. Throws ConnectionLost, Timeout, Cancelled.
    std::size_t receive(char* buffer, std::size_t capacity, Watch& watch, PhaseLimit& limit);

    /// Bytes received and not yet taken.
    std::string_view buffered() const noexcept { return {_buffers.input.get() + _begin, _end - _begin}; }
    void consume(std::size_t count) noexcept { _begin += count; }
    /// Receives more behind buffered(), growing the buffer to at most `most` bytes; 0 is the peer's orderly end.
    std::size_t fill(Watch& watch, PhaseLimit& limit, std::size_t most);
    /// The same without waiting: Done, WantRead or Closed.
    TlsStep tryFill(std::size_t most);

    /// The send buffer; what stood in it is wiped when the connection goes idle.
    std::string& output() noexcept { return _buffers.output; }
    void lend(Buffers buffers);
    Buffers takeBuffers() noexcept;

    /// Whether an idle connection can carry another exchange. Never waits.
    bool isAlive();
    /// Ends TLS in order, without waiting for the peer.
    void shutdown() noexcept;

    bool hasServed = false; ///< carried an exchange before
    TimePoint idleUntil{};  ///< while it is idle: close it then

private:
    std::size_t room(std::size_t most);
    Poco::Net::StreamSocket _socket;
    int _descriptor;
    Origin _origin;
    std::string _address;
    std::string _hostLine;
    std::unique_ptr<TlsStream> _tls;
    Buffers _buffers;
    std::size_t _begin = 0;
    std::size_t _end = 0;
    bool _justSent = false;
};

} // namespace tollgate::transport
