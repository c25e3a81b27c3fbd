#pragma once

#include "transport/ConnectionPool.h"
#include "transport/ResponseCodec.h"
#include "transport/Wait.h"

#include "tollgate/Body.h"
#include "tollgate/Error.h"
#include "tollgate/Transport.h"

#include <chrono>
#include <optional>
#include <string>

namespace tollgate::transport {

/// Reads one response off a connection: first the head, then, as a BodySource, the body. It holds the connection until the last
/// byte and then gives it back, if it is provably clean, or closes it.
class ResponseReader final : public BodySource
{
public:
    /// `deadline` on the real steady clock.
    ResponseReader(const TransportOptions& options, TimePoint deadline, CancellationToken cancellation);
    ~ResponseReader() override;
    ResponseReader(const ResponseReader&) = delete;
    ResponseReader& operator=(const ResponseReader&) = delete;

    Watch& watch() noexcept { return *_watch; }
    Lease& lease() noexcept { return _lease; }
    /// The request is a HEAD: no body follows.
    void answersHead() noexcept { _codec.answersHead(); }
    /// The request did not go out whole: the connection cannot be used again.
    void requestCutShort() noexcept { _requestCutShort = true; }

    /// Takes in what has arrived, without waiting: whether the final head is complete. Throws as readHead() does.
    bool lookForHead();
    /// Whether that head tells the sender of a large body to stop (RFC 9112 section 9.5). A success that closes does not: the end
    /// of the connection is about further requests.
    bool wantsNoMore() const noexcept;
    /// Waits for the final head. Throws ConnectionLost, ProtocolError, ResponseTooLarge, Timeout, Cancelled.
    ResponseHead readHead();
    /// Whether any byte of the response came.
    bool gotSome() const noexcept { return _codec.gotSome(); }
    /// Whether nothing of the response is left to come.
    bool finished() const noexcept { return _finished; }
    /// Ends it after a failure: the connection is closed.
    void abandon() noexcept;

    std::size_t read(char* buffer, std::size_t capacity) override;
    void readAll(std::string& to) override;
    std::optional<std::uint64_t> remaining() const override { return _codec.remaining(); }
    const Headers& trailers() const override { return _codec.trailers(); }

private:
    void feedHead();
    std::size_t next(char* buffer, std::size_t capacity);
    std::size_t takeBuffered(char* buffer, std::size_t capacity);
    void countBody(std::size_t count);
    void finish();
    bool drain();

    std::optional<Watch> _watch; ///< gone once the connection is
    Lease _lease;
    ResponseCodec _codec;
    PhaseLimit _limit;
    std::chrono::milliseconds _idleTimeout;
    std::size_t _maxBuffer;
    std::uint64_t _maxBodyBytes;
    std::optional<Throughput> _minimum;
    std::uint64_t _bodyBytes = 0;
    std::optional<Origin> _origin;
    bool _requestCutShort = false;
    bool _finished = false;
    ErrorPtr _failure; ///< a body that failed once fails for ever
};

} // namespace tollgate::transport
