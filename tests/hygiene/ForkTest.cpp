#include "ForkMutex.h"
#include "hygiene/Child.h"
#include "transport/Certificates.h"
#include "transport/RawServer.h"

#include "tollgate/Client.h"
#include "tollgate/Error.h"

#include <poll.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <map>
#include <thread>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;
using transport::test::Peer;
using transport::test::RawServer;

namespace {

std::string answer(const std::string& body)
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Needs a new token for every fifth call, so that calls wait for each other's token flights.
class ShortTokens final : public AuthStrategy
{
public:
    Identity identity() const override { return {{}, "short tokens", {}, {}}; }
    Carriers carriers() const override { return {{"Authorization"}, {}}; }
    Acquired acquire(const AuthContext&) override
    {
        if (_left.fetch_sub(1) > 0) return _token;
        return Request("GET", "/token");
    }
    void learn(const Result<Response>& outcome) override
    {
        static_cast<void>(outcome.value());
        _left = 5;
    }

private:
    class Token final : public Credential
    {
    public:
        const std::string& fingerprint() const noexcept override
        {
            static const std::string name = "token";
            return name;
        }
        void apply(Exchange& exchange) const override { exchange.headers.set("Authorization", "Bearer t"); }
        std::vector<Secret> secrets() const override { return {}; }
    };
    CredentialPtr _token = std::make_shared<Token>();
    std::atomic<int> _left{0};
};

/// A process in full work: blocking and asynchronous calls, lines, a gate, token flights and cancellation.
struct Traffic
{
    explicit Traffic(bool tls = false) : context(tls ? authority.serve("IP:127.0.0.1") : nullptr) {}

    transport::test::Authority authority;
    transport::test::ServerContext context;
    std::atomic<int> answers{0};
    // Over TLS connections come and go, since that is when OpenSSL takes its locks.
    RawServer server{[this](Peer& peer) {
                         while (!peer.readRequest().empty() && peer.send(answer("ok")))
                             if (context && ++answers % 5 == 0) break;
                         // Children have inherited this end, too: closing it would tell the client nothing while one of them
                         // lives.
                         peer.shutdownWrite();
                     },
                     context.get()};
    CancellationSource shutdown; ///< of the whole program, as programs have it
    TransportPtr transport = Transport::create([this] {
        TransportOptions options;
        options.tls.caFile = authority.file();
        return options;
    }());
    Client gated = Client::to(server.url())
                       .transport(transport)
                       .auth(bearer(Secret("gated-key-0123456789")))
                       .limit(perMinute(10'000'000), perHour(100'000'000), lockout())
                       .build();
    Client lined = Client::to(server.url())
                       .transport(transport)
                       .auth(bearer(Secret("lined-key-0123456789")))
                       .limit(WindowLimit(3, 10ms))
                       .build();
    Client tokens =
        Client::to(server.url()).transport(transport).auth(std::make_shared<ShortTokens>()).limit(perMinute(10'000'000)).build();

    /// Says what went wrong.
    static bool isGood(const Result<Response>& result)
    {
        if (!result) std::cerr << "process " << ::getpid() << ": " << result.error().what() << std::endl;
        return result && result->body() == "ok";
    }

    bool good(const Client& client) const
    {
        return isGood(client.trySend(Client(client).get("/x").timeout(20s).cancellation(shutdown.token())));
    }

    bool goodAsync(const Client& client) const
    {
        auto answered = std::make_shared<std::promise<bool>>();
        auto future = answered->get_future();
        client.get("/y").timeout(20s).cancellation(shutdown.token()).sendAsync([answered](Result<Response> result) {
            answered->set_value(isGood(result));
        });
        return future.get();
    }

    bool all() const
    {
        bool fine = true;
        for (const Client* client : {&gated, &lined, &tokens}) fine = good(*client) && goodAsync(*client) && fine;
        return fine;
    }
};

/// Keeps a Traffic busy until it ends.
class Work
{
public:
    explicit Work(Traffic& traffic)
    {
        for (const Client* client :
             {&traffic.gated, &traffic.gated, &traffic.lined, &traffic.lined, &traffic.tokens, &traffic.tokens})
            _threads.emplace_back([this, &traffic, client] {
                while (!_done) count(traffic.good(*client));
            });
        for (const Client* client : {&traffic.gated, &traffic.lined, &traffic.tokens})
            _threads.emplace_back([this, &traffic, client] {
                while (!_done) count(traffic.goodAsync(*client));
            });
    }
    ~Work() { end(); }
    void end()
    {
        _done = true;
        for (auto& thread : _threads) thread.join();
        _threads.clear();
    }
    unsigned good() const { return _good; }
    unsigned wrong() const { return _wrong; }

private:
    void count(bool good) { ++(good ? _good : _wrong); }
    std::atomic<bool> _done{false};
    std::atomic<unsigned> _good{0}, _wrong{0};
    std::vector<std::thread> _threads;
};

std::size_t readableEventDescriptors()
{
    std::size_t count = 0, all = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone) != "anon_inode:[eventfd]") continue;
        ++all;
        pollfd look{std::stoi(entry.path().filename()), POLLIN, 0};
        count += ::poll(&look, 1, 0) > 0;
    }
    BOOST_TEST(all > 0u);
    return count;
}

void forkAmidTraffic(bool tls, int usually)
{
    const char* wanted = std::getenv("TOLLGATE_TEST_FORKS"); // more, to look for rare ones
    const int children = wanted ? std::atoi(wanted) : usually;
    auto traffic = std::make_unique<Traffic>(tls);
    std::map<Ending, int> endings;
    unsigned good = 0;
    {
        Work work(*traffic);
        while (work.good() < 100 && work.wrong() == 0) std::this_thread::sleep_for(1ms);
        std::vector<pid_t> running;
        const auto reap = [&] {
            ++endings[endingOf(running.front())];
            running.erase(running.begin());
        };
        for (int i = 0; i < children; ++i) {
            running.push_back(forkChild([&] {
                const bool fine = traffic->all();
                traffic->shutdown.cancel();
                traffic->gated = traffic->lined = traffic->tokens; // inherited objects end here, too
                traffic->transport.reset();
                return fine;
            }));
            std::this_thread::sleep_for(2ms);
            if (running.size() >= 8) reap();
        }
        while (!running.empty()) reap();
        work.end();
        good = work.good();
        BOOST_TEST(work.wrong() == 0u);
    }
    BOOST_TEST(traffic->all()); // the parent goes on
    std::cout << "children forked amid " << (tls ? "https" : "http") << " traffic: " << children
              << ", hung: " << endings[Ending::Hung] << ", wrong: " << endings[Ending::Wrong]
              << "; good calls of the parent meanwhile: " << good << "\n";
    BOOST_TEST(endings[Ending::Good] == children);
}

/// A host that guards its client with a lock of its own and takes that around each fork, as the textbooks say. It registers
/// before main(), so before any client is there.
struct CarefulHost
{
    std::mutex mutex;
    std::atomic<bool> careful{false};

    static CarefulHost& instance()
    {
        static CarefulHost& host = *new CarefulHost;
        return host;
    }
    static void lock()
    {
        if (instance().careful) instance().mutex.lock();
    }
    static void unlock()
    {
        if (instance().careful) instance().mutex.unlock();
    }
};
[[maybe_unused]] const int registered = ::pthread_atfork(CarefulHost::lock, CarefulHost::unlock, CarefulHost::unlock);

} // namespace

BOOST_AUTO_TEST_SUITE(ForkTest)

BOOST_AUTO_TEST_CASE(children_forked_amid_traffic_work_at_once, *boost::unit_test::precondition(mayForkAmidThreads))
{
    forkAmidTraffic(false, 160);
}

BOOST_AUTO_TEST_CASE(children_forked_amid_tls_handshakes_work_at_once, *boost::unit_test::precondition(mayForkAmidThreads))
{
    forkAmidTraffic(true, 160);
}

// Hangs if the door is closed before the host's handlers have run.
BOOST_AUTO_TEST_CASE(handlers_that_the_host_registered_first_may_wait_for_a_call,
                     *boost::unit_test::precondition(mayForkAmidThreads))
{
    CarefulHost& host = CarefulHost::instance();
    Traffic traffic;
    std::atomic<bool> done{false};
    host.careful = true;
    std::thread worker([&] {
        while (!done) {
            const std::lock_guard<std::mutex> lock(host.mutex);
            traffic.good(traffic.gated);
        }
    });
    int good = 0;
    for (int i = 0; i < 20; ++i) good += endingOf(forkChild([&] { return traffic.good(traffic.gated); })) == Ending::Good;
    done = true;
    worker.join();
    host.careful = false;
    BOOST_TEST(good == 20);
}

BOOST_AUTO_TEST_CASE(what_the_parent_used_counts_in_the_child_and_nobody_waits_for_what_it_has_in_flight)
{
    std::atomic<int> stalled{0};
    RawServer server([&](Peer& peer) {
        for (std::string request; !(request = peer.readRequest()).empty();) {
            if (request.find("/stall") != std::string::npos) {
                ++stalled;
                peer.readToEnd(); // until the parent gives up
                return;
            }
            peer.send(answer("ok"));
        }
    });
    const Client api =
        Client::to(server.url()).auth(bearer(Secret("some-key-0123456789"))).limit(perHour(10), lockout().atOnce(1)).build();
    CancellationSource stop;
    for (int i = 0; i < 5; ++i) api.get("/x").send();
    std::promise<void> ended;
    api.get("/stall").cancellation(stop.token()).sendAsync([&ended](const Result<Response>&) { ended.set_value(); });
    while (stalled < 1) std::this_thread::sleep_for(1ms); // the cap of one is used up

    BOOST_TEST(api.quota().limits.at(0).remaining == 4u);
    const pid_t child = forkChild([&] {
        const bool counted = api.quota().limits.at(0).remaining == 4;
        for (int i = 0; i < 4; ++i)
            if (!api.trySend(api.get("/x").timeout(10s))) return false; // the cap is not in the way
        const auto eleventh = api.trySend(api.get("/x").timeout(10s));
        return counted && !eleventh && dynamic_cast<const RateLimited*>(&eleventh.error());
    });
    BOOST_CHECK(endingOf(child) == Ending::Good);
    BOOST_TEST(api.quota().limits.at(0).remaining == 4u);
    stop.cancel();
    ended.get_future().wait();
}

BOOST_AUTO_TEST_CASE(a_child_that_cancels_does_not_disturb_the_parent)
{
    std::promise<void> go;
    auto gone = go.get_future().share();
    std::atomic<bool> arrived{false};
    RawServer server([&](Peer& peer) {
        if (peer.readRequest().empty()) return;
        arrived = true;
        gone.wait();
        peer.send(answer("ok"));
    });
    const Client api = Client::to(server.url()).build();
    CancellationSource shutdown;
    auto sent = std::async(std::launch::async, [&] {
        return static_cast<bool>(api.trySend(api.get("/x").timeout(20s).cancellation(shutdown.token())));
    });
    while (!arrived) std::this_thread::sleep_for(1ms);
    BOOST_CHECK(endingOf(forkChild([&] {
                    shutdown.cancel(); // would write to a descriptor that the parent waits on
                    return shutdown.token().isCancelled();
                })) == Ending::Good);
    // The parent's call sleeps on one of these; a readable one would keep it spinning.
    BOOST_TEST(readableEventDescriptors() == 0u);
    go.set_value();
    BOOST_TEST(sent.get());
}

BOOST_AUTO_TEST_CASE(a_token_that_stands_for_two_does_so_in_a_child)
{
    CancellationSource one, other;
    const CancellationToken both = CancellationToken::either(one.token(), other.token());
    const auto parents = one.token().onCancel([] { ::_exit(2); }); // must not run there
    BOOST_CHECK(endingOf(forkChild([&] {
                    one.cancel();
                    return both.isCancelled();
                })) == Ending::Good);
    BOOST_TEST(!both.isCancelled());
}

BOOST_AUTO_TEST_CASE(a_child_that_drops_an_answer_and_cancels_a_call_of_its_own_does_not_disturb_the_parent)
{
    RawServer server([](Peer& peer) {
        for (std::string request; !(request = peer.readRequest()).empty();)
            if (request.find("/stall") != std::string::npos) {
                peer.readToEnd();
                return;
            } else
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first part");
    });
    const Client api = Client::to(server.url()).build();
    CancellationSource shutdown;
    Response response = api.open(Client(api).get("/x").timeout(20s).cancellation(shutdown.token()));
    BOOST_CHECK(endingOf(forkChild([&] {
                    response = Response(); // the descriptor that it could be woken by is the parent's, too
                    CancellationSource own;
                    std::thread canceller([&own] {
                        std::this_thread::sleep_for(50ms);
                        own.cancel();
                    });
                    const auto result = api.trySend(Client(api).get("/stall").timeout(20s).cancellation(own.token()));
                    canceller.join();
                    return !result && dynamic_cast<const Cancelled*>(&result.error());
                })) == Ending::Good);
    BOOST_TEST(readableEventDescriptors() == 0u);
}

// As from a signal handler that came amid a read. Hangs if the thread's end wants the lock that the section has.
BOOST_AUTO_TEST_CASE(a_program_may_exit_inside_of_a_section, *boost::unit_test::precondition(mayForkAmidThreads))
{
    BOOST_CHECK(endingOf(forkChild(
                    [] {
                        const ForkSection inside;
                        std::exit(0);
                        return false;
                    },
                    10)) == Ending::Good);
}

BOOST_AUTO_TEST_CASE(the_host_may_fork_in_a_callback, *boost::unit_test::precondition(mayForkAmidThreads))
{
    struct Forker final : Observer
    {
        std::function<void()> action;
        void onAttempt(const AttemptRecord&) override
        {
            if (action) std::exchange(action, {})();
        }
    };
    const auto forker = std::make_shared<Forker>();
    Traffic traffic;
    const Client watched = Client::to(traffic.server.url())
                               .transport(traffic.transport)
                               .auth(bearer(Secret("watched-key-0123456789")))
                               .limit(perMinute(1'000'000), lockout())
                               .observer(forker)
                               .build();
    std::array<pid_t, 3> children{};
    const auto mark = ::getpid();
    {
        Work work(traffic);
        // In an observer, on the caller's own thread: parent and child both come back from send(). The body on the wire is the
        // parent's; the child is told so.
        forker->action = [&] {
            children[0] = ::fork();
            if (children[0] == 0) ::alarm(30);
        };
        const bool good = traffic.good(watched);
        if (::getpid() != mark) ::_exit(!good && traffic.all() ? 0 : 1);
        BOOST_TEST(good);

        // In a response callback, on a worker thread: the child goes on there, and may leave as it likes.
        for (int way = 1; way <= 2; ++way) {
            std::promise<void> done;
            watched.get("/z").sendAsync([&, way](const Result<Response>&) {
                children[static_cast<std::size_t>(way)] = ::fork();
                if (::getpid() == mark) {
                    done.set_value();
                    return;
                }
                ::alarm(30);
                const bool fine = traffic.all();
                if (way == 1 || !fine) ::_exit(fine ? 0 : 1);
                // Way 2 comes back from the callback: its only thread ends, and with it the process.
            });
            done.get_future().wait();
        }
        for (const pid_t child : children) BOOST_CHECK(endingOf(child) == Ending::Good);
        work.end();
        BOOST_TEST(work.wrong() == 0u);
    }
    BOOST_TEST(traffic.all());
}

BOOST_AUTO_TEST_SUITE_END()
