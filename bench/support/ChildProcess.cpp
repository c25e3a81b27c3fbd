#include "support/ChildProcess.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace tollgate::bench {

ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& arguments)
{
    const std::string path = std::string(TOLLGATE_BIN_DIR "/") + program;
    std::vector<char*> argv{const_cast<char*>(path.c_str())};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);

    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    _pid = fork();
    if (_pid < 0) throw std::runtime_error("cannot start " + path);
    if (_pid == 0) { // nothing but calls that are safe after fork
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(path.c_str(), argv.data());
        _exit(127);
    }
    close(ends[1]);
    _output = ends[0];
}

ChildProcess::~ChildProcess()
{
    if (_pid > 0) {
        kill(_pid, SIGTERM);
        waitpid(_pid, nullptr, 0);
    }
    close(_output);
}

std::string ChildProcess::firstLine()
{
    std::string line;
    for (char c = 0; read(_output, &c, 1) == 1 && c != '\n';) line += c;
    if (line.empty()) throw std::runtime_error("the server said nothing");
    return line;
}

bool ChildProcess::isRunning()
{
    if (_pid > 0 && waitpid(_pid, nullptr, WNOHANG) == _pid) _pid = -1;
    return _pid > 0;
}

std::string awaitFile(ChildProcess& child, const std::string& path)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end && child.isRunning()) {
        std::ifstream file(path);
        std::string text{std::istreambuf_iterator<char>(file), {}};
        if (!text.empty()) return text;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("the server did not become ready");
}

} // namespace tollgate::bench
