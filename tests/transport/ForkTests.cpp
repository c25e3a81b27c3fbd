#include "Certificates.h"
#include "Support.h"

#include <sys/wait.h>

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

/// Runs it in a child; true if it answered true.
bool inChild(const std::function<bool()>& action)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20); // a dead lock is what is tested
        bool good = false;
        try {
            good = action();
        } catch (...) {
            good = false;
        }
        ::_exit(good ? 0 : 1); // no static destructors, no test report
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ForkTests)

BOOST_AUTO_TEST_CASE(parent_and_child_go_separate_ways)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    for (SSL_CTX* tls : {static_cast<SSL_CTX*>(nullptr), context.get()}) {
        RawServer server(
            [](Peer& peer) {
                while (!peer.readRequest().empty()) peer.send(answer("from connection " + std::to_string(peer.index)));
            },
            tls);
        TransportOptions options;
        options.tls.caFile = authority.file();
        auto transport = Transport::create(options);
        const auto get = [&] {
            Exchange exchange = request("GET", server.url());
            return bodyOf(transport->exchange(exchange));
        };
        BOOST_TEST(get() == "from connection 0");
        BOOST_CHECK(inChild([&] {
            const bool first = get() == "from connection 1" && transport->stats().openConnections == 1;
            const bool second = get() == "from connection 1";
            transport->closeIdle();
            transport.reset();
            return first && second;
        }));
        BOOST_TEST(get() == "from connection 0"); // neither closed nor disturbed
        BOOST_TEST(server.connections() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(a_body_on_its_way_belongs_to_the_parent)
{
    const std::string body(2'000'000, 'b');
    RawServer server(always(answer(body)));
    const auto transport = Transport::create();
    Exchange exchange = request("GET", server.url());
    Response response = transport->exchange(exchange);
    BOOST_CHECK(inChild([&] {
        try {
            bodyOf(response);
            return false;
        } catch (const ConnectionLost&) {
            response = Response(); // its end drains and closes nothing of the parent's
            return true;
        }
    }));
    BOOST_CHECK(bodyOf(response) == body);
}

BOOST_AUTO_TEST_CASE(a_fork_in_the_middle_of_traffic_does_not_block_the_child)
{
    RawServer server(always(answer("ok")));
    const auto transport = Transport::create();
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            while (!done) {
                Exchange exchange = request("GET", server.url());
                if (bodyOf(transport->exchange(exchange)) != "ok") ++wrong;
            }
        });
    for (int i = 0; i < 10; ++i)
        BOOST_CHECK(inChild([&] {
            Exchange exchange = request("GET", server.url());
            return bodyOf(transport->exchange(exchange)) == "ok";
        }));
    done = true;
    for (auto& thread : threads) thread.join();
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
