#include "stores/RedisServer.h"

#include <Poco/Net/StreamSocket.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <utility>

namespace tollgate::testing {

RedisServer::RedisServer(std::vector<std::string> options) : _options(std::move(options)) { start(); }

RedisServer::~RedisServer() { kill(); }

void RedisServer::start()
{
    std::vector<std::string> words = {"redis-server",
                                      "--port",
                                      std::to_string(_port.number()),
                                      "--bind",
                                      "127.0.0.1",
                                      "--unixsocket",
                                      _folder / "redis.sock",
                                      "--dir",
                                      _folder.path().string(),
                                      "--save",
                                      "",
                                      "--appendonly",
                                      "no",
                                      "--daemonize",
                                      "no",
                                      "--logfile",
                                      _folder / "redis.log"};
    words.insert(words.end(), _options.begin(), _options.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    _process = ::fork();
    if (_process == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::execvp("redis-server", arguments.data());
        ::_exit(127);
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
        try {
            Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", _port.number()));
            socket.sendBytes("PING\r\n", 6);
            char byte = 0;
            if (socket.receiveBytes(&byte, 1) == 1) return; // also when it asks for a password
        } catch (const std::exception&) {                   // NOLINT(bugprone-empty-catch): not yet
        }
        if (::waitpid(_process, nullptr, WNOHANG) == _process || std::chrono::steady_clock::now() >= until)
            throw std::runtime_error("redis-server does not start: install the package redis-server");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void RedisServer::freeze() { ::kill(_process, SIGSTOP); }

void RedisServer::thaw() { ::kill(_process, SIGCONT); }

void RedisServer::kill()
{
    if (_process <= 0) return;
    ::kill(_process, SIGKILL);
    ::waitpid(_process, nullptr, 0);
    _process = -1;
}

std::string RedisServer::command(const std::string& words, const std::string& password) const
{
    const std::string login = password.empty() ? "" : "-a " + password + " --no-auth-warning ";
    std::FILE* pipe = ::popen(("redis-cli -s " + (_folder / "redis.sock") + " " + login + words + " 2>&1").c_str(), "r");
    if (!pipe) throw std::runtime_error("redis-cli does not start");
    std::string text;
    std::array<char, 256> part{};
    while (std::fgets(part.data(), static_cast<int>(part.size()), pipe)) text += part.data();
    ::pclose(pipe);
    return text;
}

} // namespace tollgate::testing
