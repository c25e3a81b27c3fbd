#pragma once

#include "RequestReader.h"

#include "transport/TlsStream.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace tollgate::testing::sandbox {

/// Answers a request. Called on the server's threads, several at once.
using Handler = std::function<HttpResponse(HttpRequest&&)>;

/// One client's connection as a state machine that never waits: handshake, read a request, perhaps hold back, write the answer,
/// and again. Owns the descriptor. Not thread-safe.
class Connection
{
public:
    /// What must happen before the connection can go on.
    enum class Wants
    {
        Read,
        Write,
        Nothing, ///< only due() or the peer's leaving ends this
        Close    ///< it is over
    };

    /// `tls` null: plain text.
    Connection(int descriptor, std::unique_ptr<transport::TlsStream> tls, std::shared_ptr<const Handler> handler,
               std::string peer);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Goes as far as it can without waiting.
    Wants proceed();
    /// When to call proceed() even if nothing happens; max() if never. Real time, as networks have it.
    std::chrono::steady_clock::time_point due() const noexcept { return _due; }
    int descriptor() const noexcept { return _descriptor; }

private:
    enum class State
    {
        Handshake,
        Read,
        Delay,
        Write,
        Silent,
        Drain, ///< all is said: take in what the peer still sends, so that it can read our answer
        Over
    };
    enum class Io
    {
        Moved,
        WantRead,
        WantWrite,
        Ended
    };

    Wants handshake();
    Wants read();
    Wants write();
    Wants drain();
    Io receive(char* buffer, std::size_t capacity, std::size_t& count);
    Io send(std::size_t& count);
    void answer(HttpRequest request);
    void refuse(int status);
    void resetOnClose() noexcept;

    int _descriptor;
    std::unique_ptr<transport::TlsStream> _tls;
    std::shared_ptr<const Handler> _handler;
    std::string _peer;
    State _state;
    State _after = State::Read; ///< what follows when the output is written
    RequestReader _reader;
    std::string _output;
    std::size_t _written = 0;
    std::chrono::steady_clock::time_point _due = std::chrono::steady_clock::time_point::max();
};

} // namespace tollgate::testing::sandbox
