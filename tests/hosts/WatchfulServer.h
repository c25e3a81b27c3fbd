#pragma once

#include "transport/Certificates.h"
#include "transport/RawServer.h"

#include <atomic>
#include <string>

namespace tollgate::tests {

using transport::test::Peer;
using transport::test::RawServer;
using transport::test::ServerContext;

/// How a server behaves until its handshake begins.
enum class Pace
{
    AtOnce,
    Slow,   ///< later than the client's connect timeout, yet in time
    Stalled ///< not before the client has gone
};

/// A server which counts the bytes of requests that get to it: those that it can decrypt after its handshake, and whatever comes
/// outside TLS. It does its part of the handshake also when the client has given up, in case something was sent ahead.
class WatchfulServer
{
public:
    /// Without a context it speaks plain http.
    WatchfulServer(SSL_CTX* context, Pace pace) : _context(context), _pace(pace), _server([this](Peer& peer) { serve(peer); }) {}

    unsigned short port() const { return _server.port(); }
    unsigned connections() const { return _server.connections(); }
    /// Of requests; complete once the client has gone and all its connections have ended().
    std::size_t requestBytes() const { return _requestBytes; }
    /// Whether that many connections came, and all have ended. One that waits to be accepted has not come yet.
    bool ended(unsigned count) const { return _ended == count && _server.connections() == count; }

private:
    static constexpr int patience = 20'000; // ms: a hang is a failure, not a hang

    void serve(Peer& peer)
    {
        if (_pace == Pace::Slow) Peer::pause(std::chrono::milliseconds(600));
        if (_pace == Pace::Stalled) {
            pollfd gone{peer.descriptor(), POLLRDHUP, 0};
            ::poll(&gone, 1, patience);
        }
        if (_context)
            serveTls(peer.descriptor());
        else
            servePlain(peer);
        ++_ended;
    }

    void serveTls(int descriptor)
    {
        const auto stream = transport::TlsStream::server(_context, descriptor);
        const auto over = [&](transport::TlsStep step) {
            if (step == transport::TlsStep::Failed || step == transport::TlsStep::Closed) return true;
            pollfd ready{descriptor, static_cast<short>(step == transport::TlsStep::WantWrite ? POLLOUT : POLLIN), 0};
            return ::poll(&ready, 1, patience) <= 0;
        };
        for (auto step = stream->handshake(); step != transport::TlsStep::Done; step = stream->handshake())
            if (over(step)) return;
        char buffer[4096];
        for (;;) {
            std::size_t count = 0;
            const auto step = stream->read(buffer, sizeof buffer, count);
            if (step != transport::TlsStep::Done) {
                if (over(step)) return;
                continue;
            }
            _requestBytes += count;
            const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            stream->write(answer.data(), answer.size(), count);
        }
    }

    void servePlain(Peer& peer)
    {
        peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        _requestBytes += outsideTls(peer.readToEnd());
    }

    /// The bytes that are neither handshake nor alert records.
    static std::size_t outsideTls(const std::string& bytes)
    {
        std::size_t at = 0;
        while (at + 5 <= bytes.size()) {
            const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(bytes[at + index]); };
            if ((byte(0) != 0x15 && byte(0) != 0x16) || byte(1) != 3) break;
            at += 5U + static_cast<unsigned>(byte(3) << 8 | byte(4));
        }
        return at < bytes.size() ? bytes.size() - at : 0;
    }

    SSL_CTX* _context;
    Pace _pace;
    std::atomic<std::size_t> _requestBytes{0};
    std::atomic<unsigned> _ended{0};
    RawServer _server; ///< last: its threads use all the others
};

} // namespace tollgate::tests
