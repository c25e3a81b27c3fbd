#include "transport/Wait.h"

#include "ForkMutex.h"
#include "transport/Failure.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tollgate::transport {

namespace {

using Steady = std::chrono::steady_clock;

int makeEventDescriptor()
{
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0)
        fail<TransportError>("no descriptor to wait with: " + systemErrorText(errno),
                             "The process has too many files open; raise its limit (ulimit -n) or close some.");
    return descriptor;
}

/// Keeps one event descriptor a thread from call to call; a forked child makes its own, since it shares the parent's.
class SpareDescriptor
{
public:
    ~SpareDescriptor() { drop(); }

    int take()
    {
        if (_descriptor >= 0 && _generation != forkGeneration) drop();
        return _descriptor >= 0 ? std::exchange(_descriptor, -1) : makeEventDescriptor();
    }

    void giveBack(int descriptor)
    {
        drop();
        _descriptor = descriptor;
        _generation = forkGeneration;
    }

private:
    void drop()
    {
        if (_descriptor >= 0) ::close(std::exchange(_descriptor, -1));
    }
    int _descriptor = -1;
    unsigned _generation = 0;
};

SpareDescriptor& spareDescriptor()
{
    thread_local SpareDescriptor spare;
    return spare;
}

const char* noun(Phase phase) noexcept
{
    switch (phase) {
    case Phase::Pool: return "a free connection";
    case Phase::Resolve: return "the host's address";
    case Phase::Connect: return "the TCP connection";
    case Phase::Tunnel: return "the proxy to open a tunnel";
    case Phase::Tls: return "the TLS handshake";
    case Phase::Write: return "the request to be sent";
    case Phase::Head: return "the response head";
    case Phase::Body: return "the response body";
    case Phase::Store: return "the shared quota store";
    }
    return "";
}

std::string durationText(Duration duration)
{
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return milliseconds % 1000 == 0 ? fmt::format("{} s", milliseconds / 1000) : fmt::format("{} ms", milliseconds);
}

} // namespace

TimePoint PhaseLimit::end() noexcept
{
    if (_end == TimePoint{}) _end = Steady::now() + _allowed;
    return _end;
}

void PhaseLimit::waited(Duration time)
{
    _waited += time;
    if (_waited < _pace->over) return;
    const double seconds = std::chrono::duration<double>(_waited).count();
    if (static_cast<double>(_bytes) < static_cast<double>(_pace->bytesPerSecond) * seconds)
        fail<Timeout>(
            fmt::format("less than {} bytes a second for {} (minimumThroughput) while waiting for {}: {} bytes went through",
                        _pace->bytesPerSecond, durationText(_pace->over), noun(_phase), _bytes),
            "The peer or the line is too slow to wait for; try again later, or lower or switch off minimumThroughput.");
    _waited = Duration::zero();
    _bytes = 0;
}

Signal::Signal() : _descriptor(makeEventDescriptor()) {}
Signal::~Signal() { ::close(_descriptor); }
void Signal::raise() noexcept { ::eventfd_write(_descriptor, 1); }
void Signal::lower() noexcept
{
    eventfd_t raised = 0;
    ::eventfd_read(_descriptor, &raised);
}

Watch::Watch(TimePoint deadline, CancellationToken cancellation)
    : _started(Steady::now())
    , _deadline(deadline)
    , _cancellation(std::move(cancellation))
    , _generation(forkGeneration)
{
    if (!_cancellation.canBeCancelled()) return;
    _wake = spareDescriptor().take();
    const int wake = _wake; // the registration ends before the descriptor does
    _registration = _cancellation.onCancel([wake] { ::eventfd_write(wake, 1); });
}

Watch::~Watch()
{
    _registration = CancellationRegistration();
    if (_wake < 0) return;
    if (_cancellation.isCancelled() || _generation != forkGeneration)
        ::close(_wake); // it stays readable, or is the parent's
    else
        spareDescriptor().giveBack(_wake);
}

void Watch::check(Phase phase) const
{
    if (_cancellation.isCancelled())
        fail<Cancelled>(fmt::format("cancelled while waiting for {}", noun(phase)), "The caller asked for it.");
    if (_deadline == never) return;
    const TimePoint now = Steady::now();
    if (now >= _deadline) deadlinePassed(phase, now);
}

void Watch::check(PhaseLimit& limit) const
{
    check(limit.phase());
    if (Steady::now() >= limit.end()) limitPassed(limit);
}

short Watch::wait(int descriptor, short events, PhaseLimit& limit)
{
    if (limit.keepsPace()) return waitInPace(descriptor, events, limit);
    const short ready = waitUntil(descriptor, events, limit.end(), limit.phase());
    if (ready == 0) limitPassed(limit);
    return ready;
}

short Watch::waitInPace(int descriptor, short events, PhaseLimit& limit)
{
    for (;;) {
        const TimePoint began = Steady::now();
        const TimePoint end = std::min(limit.end(), began + limit.patience());
        const short ready = waitUntil(descriptor, events, end, limit.phase());
        const TimePoint now = Steady::now();
        limit.waited(now - began);
        if (ready != 0) return ready;
        if (now >= limit.end()) limitPassed(limit);
    }
}

short Watch::waitUntil(int descriptor, short events, TimePoint end, Phase phase)
{
    pollfd descriptors[2] = {{descriptor, events, 0}, {_wake, POLLIN, 0}};
    return poll(descriptors, 2, end, phase) ? descriptors[0].revents : static_cast<short>(0);
}

bool Watch::waitForAny(std::vector<pollfd>& descriptors, TimePoint end, Phase phase)
{
    descriptors.push_back({_wake, POLLIN, 0});
    const bool ready = poll(descriptors.data(), descriptors.size(), end, phase);
    descriptors.pop_back();
    return ready;
}

/// The last descriptor is the wake. False when `end` comes first.
bool Watch::poll(pollfd* descriptors, std::size_t count, TimePoint end, Phase phase)
{
    const pollfd& wake = descriptors[count - 1]; // if nobody can cancel, a negative one, which poll ignores
    for (;;) {
        check(phase);
        const TimePoint until = std::min(end, _deadline);
        const Duration left = until == never ? Duration::zero() : std::max(Duration::zero(), Duration(until - Steady::now()));
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec span{static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
        const int ready = ::ppoll(descriptors, count, until == never ? nullptr : &span, nullptr);
        if (ready < 0 && errno != EINTR)
            fail<TransportError>("poll failed: " + systemErrorText(errno), "The system is out of memory.");
        if (ready > (wake.revents != 0 ? 1 : 0)) return true;
        if (ready == 0 && end <= _deadline && Steady::now() >= end) return false;
    }
}

void Watch::limitPassed(const PhaseLimit& limit)
{
    const std::string allowed = durationText(limit.allowed());
    switch (limit.phase()) {
    case Phase::Pool:
    case Phase::Store: // whose own limits are no call's
        break;
    case Phase::Resolve:
        fail<Timeout>(fmt::format("the host name was not resolved within {} (connectTimeout)", allowed),
                      "The name servers do not answer; check the machine's DNS settings.");
    case Phase::Connect:
        fail<Timeout>(fmt::format("no TCP connection within {} (connectTimeout)", allowed),
                      "The host is down, or a firewall drops the packets; check host, port and network.");
    case Phase::Tunnel:
        fail<Timeout>(fmt::format("no answer to CONNECT within {} (connectTimeout)", allowed),
                      "The proxy accepts connections but does not answer, or cannot reach the host; check both.");
    case Phase::Tls:
        fail<Timeout>(fmt::format("no complete TLS handshake within {} (tlsTimeout)", allowed),
                      "The server accepts connections but does not speak TLS in time; check the port, or raise tlsTimeout.");
    case Phase::Write:
        fail<Timeout>(fmt::format("no progress in sending the request for {} (writeTimeout)", allowed),
                      "The server stopped reading; try again later, or raise writeTimeout.");
    case Phase::Head:
        fail<Timeout>(fmt::format("no response head within {} (readTimeout)", allowed),
                      "The server is slow to answer; try again later, or raise readTimeout.");
    case Phase::Body:
        fail<Timeout>(fmt::format("no more of the response body for {} (readTimeout)", allowed),
                      "The server stalled in the middle of its answer; try again later, or raise readTimeout.");
    }
    fail<Timeout>(fmt::format("no free connection within {}", allowed),
                  "Raise maxConnectionsPerOrigin, or send fewer calls at once.");
}

void Watch::deadlinePassed(Phase phase, TimePoint now) const
{
    fail<Timeout>(fmt::format("the call's deadline passed after {} in this exchange, while waiting for {}",
                              durationText(std::chrono::duration_cast<std::chrono::milliseconds>(now - _started)), noun(phase)),
                  "Give the call more time with timeout() or deadline(), or find out why it takes so long.");
}

} // namespace tollgate::transport
