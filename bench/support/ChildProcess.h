#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace tollgate::bench {

/// A program of bin/ that runs as long as this object lives; it also ends if this process does.
class ChildProcess
{
public:
    /// Starts bin/`program`. Throws std::runtime_error if that fails.
    ChildProcess(const std::string& program, const std::vector<std::string>& arguments);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// The first line it writes to standard output.
    std::string firstLine();
    /// Whether it still runs.
    bool isRunning();

private:
    pid_t _pid = -1;
    int _output = -1;
};

/// The content of a file that the child writes when it is ready. Throws std::runtime_error if it ends before, or takes over 20 s.
std::string awaitFile(ChildProcess& child, const std::string& path);

} // namespace tollgate::bench
