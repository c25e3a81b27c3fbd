#include "Support.h"
#include "TcpState.h"

#include <csignal>
#include <optional>

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

/// Answers the first request of each connection and then ends it in that way, once told.
struct EndsAfterFirst
{
    std::atomic<bool> now{false};

    RawServer::Script script(bool reset)
    {
        return [this, reset](Peer& peer) {
            peer.readRequest();
            peer.send(answer("first"));
            if (peer.index > 0) {
                for (std::string text = peer.readRequest(); !text.empty(); text = peer.readRequest()) peer.send(answer("later"));
                return;
            }
            eventually([this] { return now.load(); });
            if (reset)
                peer.reset();
            else
                peer.close();
        };
    }
};

std::atomic<bool> halted{false};
std::atomic<bool> mayGoOn{false};

/// A signal handler that holds its thread, though not for ever: it may have a lock. If the thread was waiting in poll(), it is
/// then told that it was interrupted, and looks first whether it is cancelled.
void halt(int)
{
    const int error = errno;
    halted = true;
    for (int i = 0; i < 1000 && !mayGoOn; ++i) ::poll(nullptr, 0, 1);
    errno = error;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ReuseTests)

BOOST_AUTO_TEST_CASE(an_idle_connection_that_died_is_noticed_before_it_is_used)
{
    for (const bool reset : {false, true}) {
        EndsAfterFirst behaviour;
        RawServer server(behaviour.script(reset));
        const auto transport = Transport::create();
        Exchange first = request("POST", server.url(), "one");
        bodyOf(transport->exchange(first));
        BOOST_TEST(transport->stats().idleConnections == 1u);
        behaviour.now = true;
        BOOST_REQUIRE(eventually([&] { return tcpStateTo(server.port()) != TCP_ESTABLISHED; }));

        Exchange second = request("POST", server.url(), "two");
        BOOST_TEST(bodyOf(transport->exchange(second)) == "first");
        BOOST_TEST(!second.attempt.reusedConnection);
        BOOST_TEST(transport->stats().stale == 1u);
        BOOST_TEST(transport->stats().openConnections == 1u);
        BOOST_TEST(server.connections() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(a_reused_connection_that_dies_under_the_request_is_called_stale)
{
    // The server closes on the second request without a word: the race that no check before can see.
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send(answer("first"));
        peer.readRequest();
    });
    const auto transport = Transport::create();
    Exchange first = request("GET", server.url());
    bodyOf(transport->exchange(first));
    Exchange second = request("POST", server.url(), "payload");
    const auto error = errorOf<ConnectionLost>([&] { transport->exchange(second); });
    BOOST_TEST(error->details().staleConnection);
    BOOST_CHECK(error->delivery() == Delivery::MaybeProcessed);
    BOOST_TEST(second.attempt.reusedConnection);
    BOOST_TEST(transport->stats().stale == 1u);
    BOOST_TEST(transport->stats().openConnections == 0u);
    BOOST_TEST(server.connections() == 1u); // nothing was repeated down here
}

BOOST_AUTO_TEST_CASE(a_reused_connection_that_dies_within_the_response_is_not_stale)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send(answer("first"));
        peer.readRequest();
        peer.send("HTTP/1.1");
    });
    const auto transport = Transport::create();
    Exchange first = request("GET", server.url());
    bodyOf(transport->exchange(first));
    Exchange second = request("GET", server.url());
    BOOST_TEST(!errorOf<ConnectionLost>([&] { transport->exchange(second); })->details().staleConnection);
}

BOOST_AUTO_TEST_CASE(connection_close_is_honoured)
{
    for (const char* field : {"Connection: close\r\n", "Connection: x, Close\r\n", "Keep-Alive: timeout=1\r\n"}) {
        RawServer server(always(answer("bye", field)));
        const auto transport = Transport::create();
        for (int i = 0; i < 2; ++i) {
            Exchange exchange = request("GET", server.url());
            bodyOf(transport->exchange(exchange));
            BOOST_TEST(!exchange.attempt.reusedConnection);
        }
        BOOST_TEST(server.connections() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(idle_connections_expire)
{
    RawServer server(always(answer("hi")));
    TransportOptions options;
    options.idleTimeout = 30ms;
    const auto transport = Transport::create(options);
    Exchange first = request("GET", server.url());
    bodyOf(transport->exchange(first));
    std::this_thread::sleep_for(60ms);
    Exchange second = request("GET", server.url());
    bodyOf(transport->exchange(second));
    BOOST_TEST(!second.attempt.reusedConnection);
    BOOST_TEST(transport->stats().stale == 0u);
    BOOST_TEST(transport->stats().openConnections == 1u);
}

BOOST_AUTO_TEST_CASE(an_unread_body_never_becomes_the_next_response)
{
    const std::string forged = answer("forged");
    const std::string small = answer(forged);
    const std::string large = answer(forged + std::string(1'000'000, 'x'));
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string("3\r\nabc\r\n0\r\nX: 1\r\n\r\n");
    for (const std::string& body : {small, large, chunked}) {
        RawServer server([&](Peer& peer) {
            for (std::string text = peer.readRequest(); !text.empty(); text = peer.readRequest())
                if (!peer.send(text.find("/unread") != std::string::npos ? body : answer("right"))) return;
        });
        const auto transport = Transport::create();
        for (int i = 0; i < 3; ++i) {
            Exchange unread = request("GET", server.url("/unread"));
            transport->exchange(unread); // dropped
            Exchange next = request("GET", server.url("/next"));
            BOOST_TEST(bodyOf(transport->exchange(next)) == "right");
            // The small ones are drained and the connection goes on; the large one is not worth it.
            BOOST_TEST(next.attempt.reusedConnection == (body.size() < 1'000'000));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_stalled_unread_body_does_not_hold_its_owner)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        peer.readToEnd();
    });
    const auto transport = Transport::create();
    Exchange exchange = request("GET", server.url());
    const auto before = std::chrono::steady_clock::now();
    transport->exchange(exchange);
    BOOST_CHECK(std::chrono::steady_clock::now() - before < 5s); // the limit is 10 ms; a hang is what is tested
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(surplus_bytes_close_the_connection)
{
    RawServer server(always(answer("right") + answer("surplus")));
    const auto transport = Transport::create();
    for (int i = 0; i < 3; ++i) {
        Exchange exchange = request("GET", server.url());
        BOOST_TEST(bodyOf(transport->exchange(exchange)) == "right");
        BOOST_TEST(!exchange.attempt.reusedConnection);
    }
}

BOOST_AUTO_TEST_CASE(a_response_that_nobody_asked_for_closes_the_connection)
{
    std::atomic<bool> sent{false};
    RawServer server([&](Peer& peer) {
        peer.readRequest();
        peer.send(answer("right"));
        if (peer.index == 0) {
            Peer::pause(50ms);
            deliver(peer, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
            sent = true;
        }
        peer.readToEnd();
    });
    const auto transport = Transport::create();
    Exchange first = request("GET", server.url());
    bodyOf(transport->exchange(first));
    BOOST_REQUIRE(eventually([&] { return sent.load(); }));
    Exchange second = request("GET", server.url());
    BOOST_TEST(transport->exchange(second).status() == 200);
    BOOST_TEST(!second.attempt.reusedConnection);
}

BOOST_AUTO_TEST_CASE(the_cap_per_origin_makes_calls_wait_in_line)
{
    std::atomic<int> working{0};
    std::atomic<int> most{0};
    RawServer server([&](Peer& peer) {
        while (!peer.readRequest().empty()) {
            const int now = ++working;
            if (now > most) most = now;
            Peer::pause(2ms);
            --working;
            peer.send(answer("ok"));
        }
    });
    TransportOptions options;
    options.maxConnectionsPerOrigin = 2;
    const auto transport = Transport::create(options);
    std::vector<std::thread> threads;
    std::atomic<int> served{0};
    for (int i = 0; i < 10; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 5; ++k) {
                Exchange exchange = request("GET", server.url());
                if (bodyOf(transport->exchange(exchange)) == "ok") ++served;
            }
        });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(served == 50);
    BOOST_TEST(most <= 2);
    BOOST_TEST(server.connections() == 2u);
    BOOST_TEST(transport->stats().openConnections == 2u);
}

BOOST_AUTO_TEST_CASE(waiting_for_a_connection_ends_at_the_deadline_or_on_cancellation)
{
    RawServer server(always(answer(std::string(100'000, 'x'))));
    TransportOptions options;
    options.maxConnectionsPerOrigin = 1;
    const auto transport = Transport::create(options);
    Exchange holding = request("GET", server.url());
    const Response held = transport->exchange(holding);

    Exchange late = request("GET", server.url());
    late.deadline = std::chrono::steady_clock::now() + 50ms;
    const auto timeout = errorOf<Timeout>([&] { transport->exchange(late); });
    BOOST_CHECK(timeout->delivery() == Delivery::NotSent);
    BOOST_CHECK(timeout->details().message.find("a free connection") != std::string::npos);

    CancellationSource source;
    Exchange cancelled = request("GET", server.url());
    cancelled.cancellation = source.token();
    std::thread canceller([&] {
        std::this_thread::sleep_for(30ms);
        source.cancel();
    });
    errorOf<Cancelled>([&] { transport->exchange(cancelled); });
    canceller.join();

    BOOST_TEST(bodyOf(held).size() == 100'000u); // gives its place back; those who left the line do not block it
    Exchange next = request("GET", server.url());
    BOOST_TEST(transport->exchange(next).status() == 200);
    BOOST_TEST(next.attempt.reusedConnection);
}

BOOST_AUTO_TEST_CASE(a_body_may_outlive_its_transport)
{
    const std::string body(500'000, 'b');
    RawServer server(always(answer(body)));
    Response response;
    {
        const auto transport = Transport::create();
        Exchange exchange = request("GET", server.url());
        response = transport->exchange(exchange);
    }
    BOOST_CHECK(bodyOf(response) == body);
}

BOOST_AUTO_TEST_CASE(a_place_that_is_granted_to_a_cancelled_waiter_is_not_lost)
{
    RawServer server(always(answer("hi")));
    TransportOptions options;
    options.maxConnectionsPerOrigin = 1;
    const auto transport = Transport::create(options);
    const auto before = std::signal(SIGUSR1, halt);
    int met = 0;
    for (int i = 0; i < 100 && met < 10; ++i) {
        Exchange holder = request("GET", server.url());
        std::optional<Response> held = transport->exchange(holder); // the body is there, but nobody has taken it
        CancellationSource source;
        bool leftTheLine = false;
        std::thread waiter([&] {
            Exchange exchange = request("GET", server.url());
            exchange.cancellation = source.token();
            try {
                bodyOf(transport->exchange(exchange));
            } catch (const Cancelled& error) {
                leftTheLine = error.details().message.find("a free connection") != std::string::npos;
            }
        });
        std::this_thread::sleep_for(1ms); // the waiter stands in line, as a rule
        halted = mayGoOn = false;
        ::pthread_kill(waiter.native_handle(), SIGUSR1);
        eventually([] { return halted.load(); });
        source.cancel();
        held.reset(); // grants the connection to the waiter, which will find that it is cancelled
        const bool granted = transport->stats().idleConnections == 0;
        mayGoOn = true;
        waiter.join();
        if (granted && leftTheLine) ++met;
        const TransportStats stats = transport->stats();
        BOOST_REQUIRE(stats.openConnections == stats.idleConnections);
    }
    std::signal(SIGUSR1, before);
    BOOST_TEST(met > 0); // ten, unless the machine is so busy that they seldom stand there in time
    Exchange next = request("GET", server.url());
    BOOST_TEST(bodyOf(transport->exchange(next)) == "hi");
}

BOOST_AUTO_TEST_SUITE_END()
