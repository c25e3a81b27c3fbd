#pragma once

#include "tollgate/Cancellation.h"
#include "tollgate/Clock.h"
#include "tollgate/Export.h"
#include "tollgate/Transport.h"

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tollgate::transport {

/// What an exchange is busy with: its limits and its error texts hang on it.
enum class Phase
{
    Pool,    ///< a connection of the origin to become free
    Resolve, ///< name resolution
    Connect, ///< TCP connect
    Tunnel,  ///< the proxy to open a tunnel
    Tls,     ///< TLS handshake
    Write,   ///< sending the request
    Head,    ///< the response head
    Body,    ///< the response body
    Store    ///< a shared quota store, before the exchange or after it
};

/// How long one phase may go on, or go on without progress. It begins with its first wait, so that a phase which never waits
/// costs no look at the clock.
class PhaseLimit
{
public:
    /// `end`: when it ends, if it has begun already.
    PhaseLimit(Phase phase, std::chrono::milliseconds allowed, TimePoint end = {}) noexcept
        : _phase(phase)
        , _allowed(allowed)
        , _end(end)
    {}

    Phase phase() const noexcept { return _phase; }
    std::chrono::milliseconds allowed() const noexcept { return _allowed; }
    /// The moment it ends; begins it if it has not begun.
    TimePoint end() noexcept;
    /// So many bytes went through: it begins anew with the next wait.
    void progressed(std::size_t bytes) noexcept
    {
        _end = TimePoint{};
        _bytes += bytes;
    }

    /// Asks for a least pace as well. Only the time spent waiting counts, so that neither a slow reader of an answer nor a slow
    /// producer of a request is taken for a slow peer; and who never makes us wait is fast enough.
    void keepPace(const Throughput& minimum) noexcept { _pace = minimum; }
    bool keepsPace() const noexcept { return _pace.has_value(); }
    /// How much longer one may wait before the pace is judged.
    Duration patience() const noexcept { return _pace->over - _waited; }
    /// After a wait: throws Timeout if the span is over and too little came.
    void waited(Duration time);

private:
    Phase _phase;
    std::chrono::milliseconds _allowed;
    TimePoint _end;
    std::optional<Throughput> _pace;
    Duration _waited{};       ///< in this span
    std::uint64_t _bytes = 0; ///< in this span
};

/// Wakes one waiting thread through a descriptor, so that every wait of the transport is the same poll.
class Signal
{
public:
    Signal();
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    void raise() noexcept;
    /// Takes back what was raised.
    void lower() noexcept;
    int descriptor() const noexcept { return _descriptor; }

private:
    int _descriptor;
};

/// When one exchange must stop, and the only place where it waits: poll{descriptor, cancellation, time left}. Deadline and
/// cancellation are one mechanism for every phase. Used by one thread at a time.
class TOLLGATE_API Watch
{
public:
    /// `deadline` on the real steady clock.
    Watch(TimePoint deadline, CancellationToken cancellation);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// Throws Cancelled or Timeout if the call is over. Asked before each step of I/O: a peer that always has data never lets us
    /// wait.
    void check(Phase phase) const;
    /// The same, and Timeout if the phase's limit has passed: for phases in which a peer can keep us busy without progress.
    void check(PhaseLimit& limit) const;

    /// Waits for poll() events on the descriptor and answers those that came. Throws Cancelled, or Timeout for the call's
    /// deadline or the phase's limit.
    short wait(int descriptor, short events, PhaseLimit& limit);

    /// The same, answering 0 when `end` comes first. Throws Cancelled, or Timeout for the call's deadline.
    short waitUntil(int descriptor, short events, TimePoint end, Phase phase);

    /// The same for several descriptors, whose revents it sets; false when `end` comes first.
    bool waitForAny(std::vector<pollfd>& descriptors, TimePoint end, Phase phase);

    /// The phase took too long: throws Timeout, naming the option that set the limit.
    [[noreturn]] static void limitPassed(const PhaseLimit& limit);

    TimePoint started() const noexcept { return _started; }

private:
    short waitInPace(int descriptor, short events, PhaseLimit& limit);
    bool poll(pollfd* descriptors, std::size_t count, TimePoint end, Phase phase);
    [[noreturn]] void deadlinePassed(Phase phase, TimePoint now) const;
    TimePoint _started;
    TimePoint _deadline;
    CancellationToken _cancellation;
    int _wake = -1;       ///< an eventfd of our own while somebody can cancel
    unsigned _generation; ///< of the process that made it
    CancellationRegistration _registration;
};

} // namespace tollgate::transport
