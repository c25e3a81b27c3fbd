#include "transport/Connector.h"

#include "transport/Failure.h"

#include <Poco/Net/SocketAddress.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace tollgate::transport {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using Poco::Net::IPAddress;
using Poco::Net::SocketAddress;

constexpr auto attemptDelay = 250ms; // RFC 8305 section 8: Connection Attempt Delay

/// Closes a descriptor unless it found its owner.
class Descriptor
{
public:
    explicit Descriptor(int descriptor) noexcept : _descriptor(descriptor) {}
    Descriptor(Descriptor&& other) noexcept : _descriptor(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        std::swap(_descriptor, other._descriptor);
        return *this;
    }
    ~Descriptor()
    {
        if (_descriptor >= 0) ::close(_descriptor);
    }
    int get() const noexcept { return _descriptor; }
    int release() noexcept { return std::exchange(_descriptor, -1); }

private:
    int _descriptor;
};

/// The families take turns, the resolver's first choice first (RFC 8305 section 4): if one of them leads nowhere, every other
/// attempt still has a chance.
std::vector<IPAddress> interleaved(const std::vector<IPAddress>& addresses)
{
    std::vector<IPAddress> first, second, all;
    for (const IPAddress& address : addresses)
        (address.family() == addresses.front().family() ? first : second).push_back(address);
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) all.push_back(first[i]);
        if (i < second.size()) all.push_back(second[i]);
    }
    return all;
}

/// One attempt of the race.
struct Runner
{
    SocketAddress address;
    Descriptor socket{-1};
    int error = 0; ///< 0 while it runs
};

class Race
{
public:
    Race(const std::vector<IPAddress>& addresses, std::uint16_t port)
    {
        for (const IPAddress& address : interleaved(addresses)) _runners.push_back({SocketAddress(address, port)});
    }

    /// Answers the winner.
    Runner& run(Watch& watch, PhaseLimit& limit)
    {
        for (TimePoint nextStart{};;) {
            watch.check(Phase::Connect);
            if (_started < _runners.size() && (_polled.empty() || Steady::now() >= nextStart)) {
                Runner& runner = _runners[_started++];
                if (start(runner)) return runner;
                nextStart = runner.error == 0 ? Steady::now() + attemptDelay : TimePoint{};
                continue;
            }
            if (_polled.empty()) // nobody runs, nobody is left
                fail<ConnectError>("no connection: " + reasons(),
                                   "Check host and port, and that the server runs and no firewall refuses.");
            const TimePoint end = _started < _runners.size() ? std::min(nextStart, limit.end()) : limit.end();
            if (watch.waitForAny(_polled, end, Phase::Connect)) {
                if (Runner* first = arrived()) return *first;
                nextStart = TimePoint{}; // somebody failed: the next one need not wait
            } else if (Steady::now() >= limit.end())
                Watch::limitPassed(limit);
        }
    }

    /// "192.0.2.1:443: Connection refused, [2001:db8::1]:443: no answer", in the order they were tried.
    std::string reasons() const
    {
        std::string text;
        for (std::size_t i = 0; i < _started; ++i) {
            const Runner& runner = _runners[i];
            text += fmt::format("{}{}: {}", i == 0 ? "" : ", ", runner.address.toString(),
                                runner.error == 0 ? "no answer" : systemErrorText(runner.error));
        }
        return text;
    }

private:
    /// Whether it is there already.
    bool start(Runner& runner)
    {
        runner.socket = Descriptor(::socket(runner.address.af(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const int descriptor = runner.socket.get();
        if (descriptor >= 0 && ::connect(descriptor, runner.address.addr(), runner.address.length()) == 0) return true;
        if (descriptor >= 0 && (errno == EINPROGRESS || errno == EINTR))
            _polled.push_back({descriptor, POLLOUT, 0});
        else
            lose(runner, errno);
        return false;
    }

    /// The first that is connected, or null; takes out those that failed.
    Runner* arrived()
    {
        Runner* first = nullptr;
        for (const pollfd& each : std::exchange(_polled, {})) {
            Runner& runner = *std::find_if(_runners.begin(), _runners.end(),
                                           [&each](const Runner& other) { return other.socket.get() == each.fd; });
            int error = 0;
            socklen_t size = sizeof error;
            if (each.revents == 0)
                _polled.push_back(each);
            else if (::getsockopt(each.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
                lose(runner, error != 0 ? error : errno);
            else if (!first)
                first = &runner;
        }
        return first;
    }

    static void lose(Runner& runner, int error)
    {
        runner.error = error;
        runner.socket = Descriptor(-1);
    }

    std::vector<Runner> _runners; ///< in the order of their starts
    std::size_t _started = 0;
    std::vector<pollfd> _polled; ///< those that run
};

} // namespace

std::unique_ptr<Connection> connect(const Origin& origin, const std::vector<IPAddress>& addresses, std::uint16_t port,
                                    Watch& watch, PhaseLimit& limit)
{
    Race race(addresses, port);
    try {
        Runner& winner = race.run(watch, limit);
        return std::make_unique<Connection>(winner.socket.release(), origin, winner.address.toString());
    } catch (const Timeout& error) {
        ErrorDetails details = error.details();
        details.message += ": " + race.reasons();
        throw Timeout(std::move(details));
    }
}

} // namespace tollgate::transport
