// tollgate-sandbox: the four APIs on loopback ports, for programs in any language. docs/sandbox.md is its manual.

#include "Options.h"
#include "ReadyFile.h"

#include <Poco/Exception.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <sys/resource.h>

namespace {

using tollgate::testing::Provider;
using tollgate::testing::Sandbox;

/// The signals that end the program wait for sigwait(); the sandbox's threads inherit the mask.
sigset_t blockEndingSignals()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

/// As many connections as the system lets us have.
void raiseDescriptorLimit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void announce(const Sandbox& sandbox)
{
    std::cout << "bento    " << sandbox.baseUrl(Provider::Bento) << "\nbentoo   " << sandbox.baseUrl(Provider::Bentoo)
              << "\nbando    " << sandbox.baseUrl(Provider::Bando) << "\nchatbot  " << sandbox.baseUrl(Provider::Chatbot)
              << "\ncontrol  " << sandbox.controlUrl() << '\n';
    if (!sandbox.caFile().empty()) std::cout << "CA file  " << sandbox.caFile() << '\n';
}

int run(const Options& options)
{
    const auto signals = blockEndingSignals();
    raiseDescriptorLimit();
    const Sandbox sandbox(options.sandbox);
    announce(sandbox);
    if (options.showKeys) std::cout << readyJson(sandbox);
    std::cout.flush();
    std::optional<ReadyFile> ready;
    if (!options.readyFile.empty()) ready.emplace(options.readyFile, readyJson(sandbox));
    int signal = 0;
    sigwait(&signals, &signal);
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    int status = 0;
    const auto options = readOptions(argc, argv, status);
    if (!options) return status;
    try {
        return run(*options);
    } catch (const Poco::Exception& error) {
        std::cerr << "tollgate-sandbox: " << error.displayText() << '\n';
    } catch (const std::exception& error) {
        std::cerr << "tollgate-sandbox: " << error.what() << '\n';
    }
    return 1;
}
