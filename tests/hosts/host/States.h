#pragma once

#include <memory>
#include <string>

namespace tollgate::tests {

/// What a host program does to the process that it shares with us: installed when made, taken back as far as can be at the end.
class HostState
{
public:
    HostState() = default;
    virtual ~HostState() = default;
    HostState(const HostState&) = delete;
    HostState& operator=(const HostState&) = delete;

    /// On the calling thread, right before it calls us.
    virtual void beforeCall() {}
    /// Whether threads of the host are at work, so that a fork() could leave OpenSSL's locks shut in the child.
    virtual bool hasThreads() const { return false; }
};

/// The state of that name; `proxyPort` is where a proxy waits that must not be used. Throws if there is none of that name.
std::unique_ptr<HostState> makeHostState(const std::string& name, unsigned short proxyPort);

} // namespace tollgate::tests
