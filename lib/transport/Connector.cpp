#include "transport/Connector.h"

#include "transport/Failure.h"

#include <Poco/Net/SocketAddress.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tollgate::transport {

namespace {

using Steady = std::chrono::steady_clock;

/// Closes a descriptor unless it found its owner.
class Descriptor
{
public:
    explicit Descriptor(int descriptor) noexcept : _descriptor(descriptor) {}
    ~Descriptor()
    {
        if (_descriptor >= 0) ::close(_descriptor);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const noexcept { return _descriptor; }
    int release() noexcept { return std::exchange(_descriptor, -1); }

private:
    int _descriptor;
};

constexpr int silent = -1;

/// 0, an errno, or `silent` if `end` came first.
int connectOne(const Poco::Net::SocketAddress& address, Descriptor& socket, Watch& watch, TimePoint end)
{
    if (socket.get() < 0) return errno;
    if (::connect(socket.get(), address.addr(), address.length()) == 0) return 0;
    if (errno != EINPROGRESS && errno != EINTR) return errno;
    if (watch.waitUntil(socket.get(), POLLOUT, end, Phase::Connect) == 0) return silent;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

} // namespace

std::unique_ptr<Connection> connect(const Origin& origin, const std::vector<Poco::Net::IPAddress>& addresses, std::uint16_t port,
                                    Watch& watch, PhaseLimit& limit)
{
    std::string reasons;
    bool allSilent = true;
    std::size_t left = addresses.size();
    for (const auto& ip : addresses) {
        watch.check(Phase::Connect);
        const TimePoint now = Steady::now();
        const TimePoint end = now + (limit.end() - now) / static_cast<int>(left--);
        const Poco::Net::SocketAddress address(ip, port);
        Descriptor socket(::socket(address.af(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const int error = connectOne(address, socket, watch, end);
        if (error == 0) return std::make_unique<Connection>(socket.release(), origin, address.toString());
        allSilent = allSilent && error == silent;
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", address.toString(),
                               error == silent ? "no answer" : systemErrorText(error));
    }
    if (allSilent) Watch::limitPassed(limit);
    fail<ConnectError>("no connection: " + reasons, "Check host and port, and that the server runs and no firewall refuses.");
}

} // namespace tollgate::transport
