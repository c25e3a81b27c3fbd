#include "Control.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace tollgate::command {

namespace {

constexpr auto overrunGrace = std::chrono::milliseconds(200); // for a call that is just reporting its own timeout
constexpr auto cancelGrace = std::chrono::seconds(2);
constexpr unsigned char stopByte = 0;

std::array<int, 2> wakePipe{-1, -1};

// All that a signal handler may do: one write to a pipe.
extern "C" void onSignal(int signal)
{
    const int saved = errno;
    const auto byte = static_cast<unsigned char>(signal);
    [[maybe_unused]] const auto written = ::write(wakePipe[1], &byte, 1);
    errno = saved;
}

void handle(int signal)
{
    struct sigaction action = {};
    action.sa_handler = onSignal;
    ::sigaction(signal, &action, nullptr);
}

} // namespace

void writeAll(int descriptor, const std::string& text) noexcept
{
    std::size_t at = 0;
    while (at < text.size()) {
        const auto written = ::write(descriptor, text.data() + at, text.size() - at);
        if (written > 0) at += static_cast<std::size_t>(written);
        if (written < 0 && errno == EAGAIN) {
            pollfd writable{descriptor, POLLOUT, 0};
            ::poll(&writable, 1, 1000);
        } else if (written < 0 && errno != EINTR)
            return;
    }
}

Control::Control() : _hardEnd(never.time_since_epoch().count())
{
    if (::pipe2(wakePipe.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    handle(SIGINT);
    handle(SIGTERM);
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, nullptr);
    _watcher = std::thread([this] { watch(); });
}

Control::~Control()
{
    [[maybe_unused]] const auto written = ::write(wakePipe[1], &stopByte, 1);
    _watcher.join();
}

void Control::endWithin(Duration duration)
{
    _deadline = _started + std::chrono::duration_cast<TimePoint::duration>(duration);
    _hardEnd = (_deadline + overrunGrace).time_since_epoch().count();
    onSignal(SIGCONT); // the watcher looks at the time again
}

void Control::watch()
{
    for (;;) {
        const auto end = TimePoint(TimePoint::duration(_hardEnd));
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        if (left < 0) overrun();
        pollfd readable{wakePipe[0], POLLIN, 0};
        const int timeout = end == never ? -1 : static_cast<int>(std::clamp<long long>(left + 1, 1, 60'000));
        if (::poll(&readable, 1, timeout) <= 0) continue;
        unsigned char byte = 0;
        if (::read(wakePipe[0], &byte, 1) != 1 || byte == SIGCONT) continue;
        if (byte == stopByte) return;
        if (_signal != 0) ::_exit(128 + byte); // asked twice: at once
        _signal = byte;
        const auto soon = (std::chrono::steady_clock::now() + cancelGrace).time_since_epoch().count();
        _hardEnd = std::min<TimePoint::rep>(_hardEnd, soon);
        _source.cancel();
    }
}

void Control::overrun()
{
    ErrorDetails details;
    details.delivery = _sending ? Delivery::MaybeProcessed : Delivery::NotSent; // how far a request got is not known here
    ErrorPtr error;
    if (_signal != 0) {
        details.message = "the command was cancelled";
        error = std::make_shared<Cancelled>(std::move(details));
    } else {
        details.message = "the deadline of the whole command passed";
        error = std::make_shared<Timeout>(std::move(details));
    }
    const Failure failure(*error);
    const int status = statusOf(failure);
    if (claim(status)) {
        std::string out;
        std::string err;
        if (_render) _render(failure, out, err);
        writeAll(STDOUT_FILENO, out);
        writeAll(STDERR_FILENO, err);
    }
    ::_exit(_status);
}

bool Control::claim(int status) noexcept
{
    int none = -1;
    return _status.compare_exchange_strong(none, status);
}

int Control::statusOf(const Failure& failure) const noexcept
{
    if (failure.exitStatus() == ExitStatus::Interrupted && _signal == SIGTERM) return number(ExitStatus::Terminated);
    return number(failure.exitStatus());
}

int Control::finish(ExitStatus status, const std::string& out, const std::string& err)
{
    if (!claim(number(status)))
        for (;;) ::pause(); // the watcher is ending the process
    writeAll(STDOUT_FILENO, out);
    writeAll(STDERR_FILENO, err);
    return number(status);
}

int Control::finish(const Failure& failure)
{
    std::string out;
    std::string err;
    if (_render) _render(failure, out, err);
    return finish(static_cast<ExitStatus>(statusOf(failure)), out, err);
}

} // namespace tollgate::command
