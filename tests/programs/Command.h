#pragma once

#include "programs/Process.h"

#include "tollgate/testing/Sandbox.h"

#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

namespace tollgate::test {

using Api = testing::Provider;
using testing::Fault;

/// A new directory that goes with this object.
class TemporaryDirectory
{
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    const std::string& path() const noexcept { return _path; }

private:
    std::string _path;
};

/// A sandbox and the tollgate command beside it. Whatever the command writes is searched for the sandbox's secrets.
struct CommandFixture
{
    explicit CommandFixture(testing::SandboxOptions options = {}) : sandbox(options) {}

    /// Runs `tollgate` and checks that it ended by itself and told no secret. It keeps limits in a state directory of this
    /// fixture's own unless the environment names one.
    Finished tollgate(const std::vector<std::string>& arguments, const Environment& environment = {},
                      const std::string& input = {}) const;
    Environment withState(Environment environment) const;
    void checkNoSecrets(const Finished& finished) const;

    /// The variables of all four providers, as a good set-up has them.
    Environment goodEnvironment() const;
    std::string url(Api api, const std::string& path) const { return sandbox.baseUrl(api) + path; }

    testing::Sandbox sandbox;
    TemporaryDirectory state; ///< XDG_STATE_HOME
};

/// The one JSON object on standard output; fails the test if there is anything else.
Poco::JSON::Object::Ptr onlyObject(const Finished& finished);
std::string textOf(const Poco::JSON::Object::Ptr& object, const std::string& name);

/// A host that never has an address, and that no name server is asked for: a label has at most 63 characters (RFC 1035).
const std::string& noSuchHost();

/// A file in a directory of its own that goes with this object.
class TemporaryFile
{
public:
    explicit TemporaryFile(const std::string& content, const std::string& name = "file");
    const std::string& path() const noexcept { return _path; }
    std::string read() const;

private:
    TemporaryDirectory _directory;
    std::string _path;
};

} // namespace tollgate::test
