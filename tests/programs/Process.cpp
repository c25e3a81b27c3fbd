#include "programs/Process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace tollgate::test {

namespace {

using Steady = std::chrono::steady_clock;

struct Pipe
{
    std::array<int, 2> ends{-1, -1};
    Pipe()
    {
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    }
};

void closeOnce(int& descriptor)
{
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
}

std::vector<char*> pointers(std::vector<std::string>& texts)
{
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

} // namespace

std::string programPath(const std::string& name)
{
    return name.find('/') == std::string::npos ? std::string(TOLLGATE_BIN_DIR) + '/' + name : name;
}

Process::Process(const std::string& program, const std::vector<std::string>& arguments, const Environment& environment)
    : _started(Steady::now())
{
    std::signal(SIGPIPE, SIG_IGN); // a program that ends before it has read its input is no reason for the test to die
    const Pipe in;
    const Pipe out;
    const Pipe err;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.ends[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err.ends[1], STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);

    const std::string path = programPath(program);
    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
    // Sanitizers and coverage of the build under test are told by the environment of the test itself.
    for (const char* passed : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"})
        if (const char* value = std::getenv(passed)) variables.push_back(std::string(passed) + '=' + value);
    for (const auto& [name, value] : environment) variables.push_back(name + '=' + value);
    const int failure =
        ::posix_spawn(&_pid, path.c_str(), &actions, &attributes, pointers(words).data(), pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    ::close(in.ends[0]);
    ::close(out.ends[1]);
    ::close(err.ends[1]);
    _in = in.ends[1];
    _out = out.ends[0];
    _err = err.ends[0];
    if (failure != 0) throw std::runtime_error("cannot start " + path + ": is it built?");
}

Process::~Process()
{
    if (_pid > 0) {
        ::kill(_pid, SIGKILL);
        ::waitpid(_pid, nullptr, 0);
    }
    closeInput();
    closeOnce(_out);
    closeOnce(_err);
}

void Process::write(const std::string& input)
{
    for (std::size_t at = 0; at < input.size();) {
        const auto written = ::write(_in, input.data() + at, input.size() - at);
        if (written <= 0) return;
        at += static_cast<std::size_t>(written);
    }
}

void Process::closeInput() { closeOnce(_in); }

void Process::signal(int number) { ::kill(_pid, number); }

// Waits for output and takes it; false once both streams have ended or the time is over.
bool Process::readSome(Steady::time_point until)
{
    std::array<pollfd, 2> streams{pollfd{_out, POLLIN, 0}, pollfd{_err, POLLIN, 0}};
    if (_out < 0 && _err < 0) return false;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now()).count();
    if (left <= 0 || ::poll(streams.data(), streams.size(), static_cast<int>(left)) <= 0) return Steady::now() < until;
    for (const pollfd& stream : streams) {
        if (stream.revents == 0) continue;
        std::array<char, 65536> piece{};
        const auto length = ::read(stream.fd, piece.data(), piece.size());
        const bool isOut = stream.fd == _out;
        if (length > 0)
            (isOut ? _finished.out : _finished.err).append(piece.data(), static_cast<std::size_t>(length));
        else
            closeOnce(isOut ? _out : _err);
    }
    return true;
}

bool Process::await(const std::string& text, std::chrono::milliseconds timeout)
{
    const auto until = Steady::now() + timeout;
    while (_finished.all().find(text) == std::string::npos)
        if (!readSome(until)) return false;
    return true;
}

Finished Process::wait(std::chrono::milliseconds timeout, bool keepInputOpen)
{
    if (!keepInputOpen) closeInput();
    const auto until = Steady::now() + timeout;
    while (readSome(until)) {
    }
    _finished.timedOut = Steady::now() >= until;
    if (_finished.timedOut) ::kill(_pid, SIGKILL);
    int status = 0;
    ::waitpid(_pid, &status, 0);
    _pid = -1;
    _finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    _finished.took = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - _started);
    return _finished;
}

Finished runProgram(const std::string& program, const std::vector<std::string>& arguments, const Environment& environment,
                    const std::string& input)
{
    Process process(program, arguments, environment);
    process.write(input);
    return process.wait();
}

} // namespace tollgate::test
