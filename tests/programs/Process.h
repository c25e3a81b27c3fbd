#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace tollgate::test {

/// How a program ended.
struct Finished
{
    int status = -1; ///< exit status; 128 + signal if a signal ended it
    std::string out;
    std::string err;
    std::chrono::milliseconds took{0};
    bool timedOut = false;

    std::string all() const { return out + err; }
};

using Environment = std::map<std::string, std::string>;

/// A program of the build, run apart from the test: its own terminal-less session, only the variables it is given, standard
/// output and error kept apart.
class Process
{
public:
    /// Starts it. `program` is a name in the build's bin directory, or a path. Its standard input is a pipe that stays open until
    /// closeInput() or wait().
    Process(const std::string& program, const std::vector<std::string>& arguments, const Environment& environment = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void write(const std::string& input);
    void closeInput();
    void signal(int number);
    /// Reads until `text` was seen on either stream. False after the timeout, or if the program ended before.
    bool await(const std::string& text, std::chrono::milliseconds timeout = std::chrono::seconds(30));
    /// Reads all it writes until it ends; kills it after the timeout.
    Finished wait(std::chrono::milliseconds timeout = std::chrono::seconds(60), bool keepInputOpen = false);

private:
    bool readSome(std::chrono::steady_clock::time_point until);

    pid_t _pid = -1;
    int _in = -1, _out = -1, _err = -1;
    Finished _finished;
    std::chrono::steady_clock::time_point _started;
};

/// Starts it, hands it the input and waits for its end.
Finished runProgram(const std::string& program, const std::vector<std::string>& arguments, const Environment& environment = {},
                    const std::string& input = {});

/// Where the build put its programs.
std::string programPath(const std::string& name);

} // namespace tollgate::test
