#include "hygiene/OtherProcess.h"
#include "support/OpenDescriptors.h"

#include "tollgate/Client.h"
#include "tollgate/Error.h"

#include <Poco/ErrorHandler.h>
#include <Poco/Logger.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/RejectCertificateHandler.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/NotificationCenter.h>
#include <Poco/ThreadPool.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <clocale>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <locale>
#include <map>
#include <new>
#include <set>
#include <thread>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;
using transport::test::Authority;

extern char** environ;

namespace {

std::string text(const void* bytes, std::size_t size)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < size; ++i) {
        const auto byte = static_cast<const unsigned char*>(bytes)[i];
        (hex += digits[byte >> 4]) += digits[byte & 15];
    }
    return hex;
}

template <class T>
std::string addressOf(const T* object)
{
    return text(&object, sizeof object);
}

/// A channel as Poco 1.11 answers it, and as later versions do.
[[maybe_unused]] const Poco::Channel* plain(const Poco::Channel* channel) { return channel; }
template <class Pointer>
auto plain(const Pointer& pointer) -> decltype(pointer.get())
{
    return pointer.get();
}

std::string blockedSignals(const std::string& task)
{
    std::ifstream status("/proc/self/task/" + task + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.compare(0, 7, "SigBlk:") == 0) return line.substr(8);
    return {};
}

std::set<std::string> tasks()
{
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) names.insert(entry.path().filename());
    return names;
}

/// All that a library could change for the program it is a guest of.
std::map<std::string, std::string> hostState()
{
    std::map<std::string, std::string> state;
    for (int number = 1; number < 32; ++number) {
        struct sigaction action
        {};
        if (::sigaction(number, nullptr, &action) != 0) continue;
        state["signal " + std::to_string(number)] =
            addressOf(reinterpret_cast<const void*>(action.sa_handler)) + ' ' + std::to_string(action.sa_flags);
    }
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int number = 1; number < 32; ++number) state["signal mask"] += sigismember(&mask, number) == 1 ? '1' : '0';
    state["C locale"] = std::setlocale(LC_ALL, nullptr);
    state["C++ locale"] = std::locale().name();
    const mode_t mode = ::umask(0);
    ::umask(mode);
    state["umask"] = std::to_string(mode);
    for (char** variable = environ; *variable; ++variable) (state["environment"] += *variable) += '\n';
    for (int number = 0; number < RLIM_NLIMITS; ++number) {
        rlimit limit{};
        ::getrlimit(static_cast<__rlimit_resource_t>(number), &limit);
        state["limit " + std::to_string(number)] = std::to_string(limit.rlim_cur) + '/' + std::to_string(limit.rlim_max);
    }
    state["working directory"] = std::filesystem::current_path();
    state["terminate handler"] = addressOf(reinterpret_cast<const void*>(std::get_terminate()));
    state["new handler"] = addressOf(reinterpret_cast<const void*>(std::get_new_handler()));

    const auto& proxy = Poco::Net::HTTPClientSession::getGlobalProxyConfig();
    state["Poco proxy"] = proxy.host + ':' + std::to_string(proxy.port) + ' ' + proxy.username + ' ' + proxy.nonProxyHosts;
    state["Poco error handler"] = addressOf(Poco::ErrorHandler::get());
    std::vector<std::string> loggers;
    Poco::Logger::names(loggers);
    for (const std::string& name : loggers) {
        Poco::Logger& logger = Poco::Logger::get(name);
        state["Poco logger " + name] = std::to_string(logger.getLevel()) + ' ' + addressOf(plain(logger.getChannel()));
    }
    state["Poco observers"] = std::to_string(Poco::NotificationCenter::defaultCenter().countObservers());
    state["Poco thread pool"] = std::to_string(Poco::ThreadPool::defaultPool().used());
    auto& manager = Poco::Net::SSLManager::instance();
    const auto context = manager.defaultClientContext();
    state["Poco client context"] = addressOf(context.get()) + ' ' + addressOf(context->sslContext()) + ' ' +
                                   std::to_string(SSL_CTX_get_verify_mode(context->sslContext())) + ' ' +
                                   std::to_string(SSL_CTX_get_options(context->sslContext())) + ' ' +
                                   addressOf(reinterpret_cast<const void*>(SSL_CTX_get_verify_callback(context->sslContext())));
    state["Poco certificate handler"] = addressOf(manager.clientCertificateHandler().get());
    state["Poco verification events"] = manager.ClientVerificationError.hasDelegates() ? "some" : "none";
    state["OpenSSL errors"] = std::to_string(ERR_peek_error());
    for (const char* provider : {"default", "legacy", "fips", "base"})
        state[std::string("OpenSSL provider ") + provider] = std::to_string(OSSL_PROVIDER_available(nullptr, provider));
    return state;
}

/// What a program does with it: plain and TLS, good and bad answers, a refused certificate, a name that does not exist, a body
/// that is cut off, asynchronous calls, waits and cancellation.
void useAll(const OtherProcess& server, const Authority& authority)
{
    TransportOptions options;
    options.tls.caFile = authority.file();
    const auto transport = Transport::create(options);
    CancellationSource source;
    for (const std::string& url : {server.plainUrl, server.secureUrl}) {
        const Client api = Client::to(url)
                               .transport(transport)
                               .auth(basic("user", Secret("a-password")))
                               .limit(WindowLimit(5, 20ms), lockout())
                               .build();
        for (const char* path : {"/ok", "/missing", "/cut", "/reset", "/busy", "/ok"})
            static_cast<void>(api.trySend(api.get(path).timeout(10s).cancellation(source.token())));
        std::promise<void> done;
        api.post("/ok").body(std::string(200'000, 'x'), "text/plain").sendAsync([&done](const Result<Response>&) {
            done.set_value();
        });
        done.get_future().wait();
    }
    const Client stranger = Client::to(server.secureUrl).build(); // does not trust our authority
    BOOST_CHECK(dynamic_cast<const TlsError*>(stranger.trySend(stranger.get("/ok").timeout(10s)).errorPtr().get()));
    const Client nowhere = Client::to("https://tollgate-hygiene.invalid").build();
    BOOST_CHECK(!nowhere.trySend(nowhere.get("/").timeout(5s)));
    source.cancel();
}

} // namespace

BOOST_AUTO_TEST_SUITE(HostStateTest)

BOOST_AUTO_TEST_CASE(the_state_of_the_process_stays_as_it_was, *boost::unit_test::precondition(childrenMayHaveThreads))
{
    const Authority authority;
    const OtherProcess server(authority);
    // The host has its own ideas.
    auto& manager = Poco::Net::SSLManager::instance();
    manager.initializeClient(nullptr, new Poco::Net::RejectCertificateHandler(false),
                             new Poco::Net::Context(Poco::Net::Context::CLIENT_USE, "", Poco::Net::Context::VERIFY_RELAXED));
    Poco::Logger::get("host").setLevel("debug");
    const OpenDescriptors before;
    const auto stateBefore = hostState();
    std::thread([&] { useAll(server, authority); }).join(); // threads that are made once and kept are made here
    const auto threadsBefore = tasks().size();
    std::thread([&] {
        const auto mine = hostState();
        useAll(server, authority);
        const auto after = hostState();
        for (const auto& [name, value] : mine)
            BOOST_CHECK_MESSAGE(after.at(name) == value, name << " of the using thread changed");
        BOOST_TEST(after.size() == mine.size()); // no new logger
    }).join();
    const auto after = hostState();
    for (const auto& [name, value] : stateBefore)
        BOOST_CHECK_MESSAGE(after.at(name) == value, name << " changed: " << value << ", " << after.at(name));
    BOOST_TEST(after.size() == stateBefore.size());
    BOOST_TEST(stateBefore.size() > 60u);
    std::cout << "states of the host compared: " << stateBefore.size() << "\n";
    BOOST_TEST(before.leaked() == "");
    // A resolver's idle worker goes home after 10 s; others may be on their way out.
    for (int i = 0; i < 1000 && tasks().size() > threadsBefore + 1; ++i) std::this_thread::sleep_for(10ms);
    BOOST_TEST(tasks().size() <= threadsBefore + 1);
}

BOOST_AUTO_TEST_CASE(writing_to_the_dead_raises_no_sigpipe, *boost::unit_test::precondition(childrenMayHaveThreads))
{
    const Authority authority;
    const OtherProcess server(authority);
    const pid_t child = forkChild([&] {
        ::signal(SIGPIPE, SIG_DFL);
        sigset_t pipe;
        ::sigemptyset(&pipe);
        ::sigaddset(&pipe, SIGPIPE);
        // Poco blocks it on the main thread when it is loaded; the host's other threads have it open.
        ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
        TransportOptions options;
        options.tls.caFile = authority.file();
        const auto transport = Transport::create(options);
        bool open = true;
        for (const auto& [url, rude] :
             {std::pair(server.plainUrl, server.rudeUrl), std::pair(server.secureUrl, server.rudeSecureUrl)}) {
            const Client api = Client::to(url).transport(transport).build();
            const Client hopeless = Client::to(rude).transport(transport).build();
            const std::string large(1'000'000, 'x');
            for (int i = 0; i < 20; ++i) {
                // The server hangs up at the first piece of it; then a connection that it left, and its close_notify.
                static_cast<void>(hopeless.trySend(hopeless.post("/").body(large, "text/plain").timeout(10s)));
                static_cast<void>(api.trySend(api.post("/last").body(large, "text/plain").timeout(10s)));
                std::this_thread::sleep_for(1ms);
                transport->closeIdle();
                std::promise<void> done;
                hopeless.post("/").body(large, "text/plain").timeout(10s).sendAsync([&done](const Result<Response>&) {
                    done.set_value();
                });
                done.get_future().wait();
            }
            sigset_t mask, pending;
            ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            ::sigpending(&pending);
            open = open && sigismember(&mask, SIGPIPE) == 0 && sigismember(&pending, SIGPIPE) == 0;
        }
        struct sigaction action
        {};
        ::sigaction(SIGPIPE, nullptr, &action);
        return open && action.sa_handler == SIG_DFL;
    });
    BOOST_CHECK(endingOf(child) == Ending::Good);
}

BOOST_AUTO_TEST_CASE(threads_of_the_library_take_no_signals, *boost::unit_test::precondition(childrenMayHaveThreads))
{
    const Authority authority;
    const OtherProcess server(authority);
    const auto hosts = tasks();
    const Client api = Client::to(server.plainUrl).build();
    std::promise<void> done;
    api.get("/ok").sendAsync([&done](const Result<Response>&) { done.set_value(); });
    done.get_future().wait();
    const Client nowhere = Client::to("http://tollgate-hygiene.invalid").build();
    static_cast<void>(nowhere.trySend(nowhere.get("/").timeout(5s)));
    std::size_t ours = 0;
    for (const std::string& task : tasks()) {
        if (hosts.count(task) != 0) continue;
        ++ours;
        const auto blocked = std::stoull(blockedSignals(task), nullptr, 16);
        constexpr unsigned long long never = 1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1);
        BOOST_TEST((blocked & 0x7fffffffULL & ~never) == (0x7fffffffULL & ~never));
    }
    BOOST_TEST(ours >= 2u); // a worker of the dispatcher, one of the resolver
}

BOOST_AUTO_TEST_SUITE_END()
