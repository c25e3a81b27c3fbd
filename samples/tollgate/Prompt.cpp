#include "Prompt.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tollgate::command {

namespace {

// The terminal with its echo off; restored whatever happens.
class QuietTerminal
{
public:
    QuietTerminal() : _descriptor(::open("/dev/tty", O_RDWR | O_CLOEXEC))
    {
        if (_descriptor < 0 || ::tcgetattr(_descriptor, &_before) != 0) {
            if (_descriptor >= 0) ::close(_descriptor);
            throw MissingCredential("there is no terminal to ask for a secret",
                                    "Without a terminal take the secret from the environment (env:NAME) or a file (file:PATH).");
        }
        termios quiet = _before;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(_descriptor, TCSAFLUSH, &quiet);
    }
    ~QuietTerminal()
    {
        ::tcsetattr(_descriptor, TCSAFLUSH, &_before);
        ::close(_descriptor);
    }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;

    int descriptor() const noexcept { return _descriptor; }

private:
    int _descriptor;
    termios _before = {};
};

void awaitInput(int descriptor, const Control& control)
{
    for (;;) {
        if (control.token().isCancelled()) throw Cancelled("cancelled while waiting for input");
        if (std::chrono::steady_clock::now() >= control.deadline())
            throw Timeout("the deadline passed while waiting for input", "Give the input sooner, or more time with --deadline.");
        pollfd readable{descriptor, POLLIN, 0};
        const int ready = ::poll(&readable, 1, 50);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return;
    }
}

} // namespace

Secret promptSecret(const std::string& label, const Control& control)
{
    const QuietTerminal terminal;
    writeAll(terminal.descriptor(), label + ": ");
    awaitInput(terminal.descriptor(), control);
    std::array<char, 4096> line{}; // the longest line a terminal hands over
    auto length = ::read(terminal.descriptor(), line.data(), line.size());
    writeAll(terminal.descriptor(), "\n");
    if (length > 0 && line[static_cast<std::size_t>(length) - 1] == '\n') --length;
    Secret secret = length > 0 ? Secret(std::string_view(line.data(), static_cast<std::size_t>(length))) : Secret();
    ::explicit_bzero(line.data(), line.size());
    if (secret.empty())
        throw MissingCredential(fmt::format("nothing was typed at \"{}\"", label), "Type or paste it and press Enter.");
    return secret;
}

std::string readDescriptor(int descriptor, std::size_t limit, const Control& control)
{
    std::string text;
    std::array<char, 65536> piece; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read()
    for (;;) {
        awaitInput(descriptor, control);
        const auto length = ::read(descriptor, piece.data(), piece.size());
        if (length == 0) return text;
        if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (length < 0) throw InvalidRequest("the input cannot be read", "Check that it is a readable file, not a folder.");
        text.append(piece.data(), static_cast<std::size_t>(length));
        if (text.size() > limit)
            throw InvalidRequest(fmt::format("the input is larger than {} bytes", limit), "Send it in parts.");
    }
}

} // namespace tollgate::command
