#pragma once

#include <tollgate/CredentialSource.h>
#include <tollgate/Error.h>
#include <tollgate/testing/Sandbox.h>

#include <Poco/Environment.h>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <initializer_list>
#include <memory>
#include <string>

/// What the samples share: where to go, and how to end.
namespace sample {

/// Nothing if one of the variables is set: then the sample talks to the real API. Else an API of our own to talk to, in this
/// process. Says which on a line of its own.
inline std::unique_ptr<tollgate::testing::Sandbox> sandboxUnlessSet(const std::string& api,
                                                                    std::initializer_list<const char*> variables)
{
    std::string names;
    for (const char* name : variables) {
        if (!Poco::Environment::get(name, {}).empty()) {
            fmt::print("Talking to the real {} API, because {} is set.\n", api, name);
            return nullptr;
        }
        names += (names.empty() ? "" : ", ") + std::string(name);
    }
    fmt::print("Talking to a sandbox in this process. For the real {} API, set {}.\n", api, names);
    return std::make_unique<tollgate::testing::Sandbox>();
}

/// A secret that the sandbox made up.
inline tollgate::CredentialSourcePtr fixed(const std::string& text) { return tollgate::fixedSource(tollgate::Secret(text)); }

/// Calls on a real account write nothing unless asked to.
inline bool asksFor(const char* option, int argc, char** argv)
{
    for (int i = 1; i < argc; ++i)
        if (std::string(option) == argv[i]) return true;
    return false;
}

/// Runs the sample; 0 if all went well, 1 after an error, which is told in plain words.
template <class Body>
int run(const Body& body)
{
    try {
        body();
        return 0;
    } catch (const tollgate::Error& error) {
        fmt::print(stderr, "{}\n", error.displayText()); // what happened, what to do, whom to ask; never a secret
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
    }
    return 1;
}

} // namespace sample
