#pragma once

#include "support/ChildProcess.h"

#include "tollgate/Json.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tollgate::bench {

/// tollgate-sandbox as a process of its own, and what its ready file says.
class SandboxProcess
{
public:
    explicit SandboxProcess(std::vector<std::string> arguments)
        : _readyFile(std::filesystem::temp_directory_path() / ("tollgate-bench-" + std::to_string(getpid()) + ".json"))
        , _child("tollgate-sandbox", withReadyFile(std::move(arguments)))
        , _ready(parseJson(awaitFile(_child, _readyFile)).extract<Poco::JSON::Object::Ptr>())
    {}
    ~SandboxProcess() { std::filesystem::remove(_readyFile); }
    SandboxProcess(const SandboxProcess&) = delete;
    SandboxProcess& operator=(const SandboxProcess&) = delete;

    std::string get(const std::string& key) const { return _ready->getValue<std::string>(key); }
    std::string get(const std::string& provider, const std::string& key) const
    {
        return _ready->getObject(provider)->getValue<std::string>(key);
    }

private:
    std::vector<std::string> withReadyFile(std::vector<std::string> arguments) const
    {
        std::filesystem::remove(_readyFile);
        arguments.insert(arguments.end(), {"--ready-file", _readyFile});
        return arguments;
    }

    std::filesystem::path _readyFile;
    ChildProcess _child;
    Poco::JSON::Object::Ptr _ready;
};

} // namespace tollgate::bench
