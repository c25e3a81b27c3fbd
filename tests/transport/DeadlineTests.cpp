#include "Certificates.h"
#include "FullBacklog.h"
#include "Support.h"

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

using Steady = std::chrono::steady_clock;

void silent(Peer& peer) { peer.readToEnd(); }

/// A phase that never ends, and what the errors of it say.
struct Stall
{
    const char* phase;
    std::string url;
    const char* option;
    Delivery delivery;
    bool large; ///< needs a body that does not fit into the socket's buffers

    /// For the phase, or for the call. It is longer where a busy server must answer before it passes.
    std::chrono::milliseconds limit() const { return delivery == Delivery::Answered ? 2500ms : 400ms; }
};

/// A server for each phase.
class Stalls
{
public:
    Stalls()
        : tls(silent)
        , head([this](Peer& peer) {
            peer.readRequest();
            ++requestsSeen;
            peer.readToEnd();
        })
        , body([](Peer& peer) {
            peer.readRequest();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf");
            peer.readToEnd();
        })
        , write([this](Peer& peer) {
            peer.readSome();
            ++requestsSeen;
            while (!peer.ended) Peer::pause(5ms);
        })
    {
        all = {{"connect", "http://127.0.0.1:" + std::to_string(backlog.port) + "/", "connectTimeout", Delivery::NotSent, false},
               {"tls", "https://127.0.0.1:" + std::to_string(tls.port()) + "/", "tlsTimeout", Delivery::NotSent, false},
               {"write", write.url(), "writeTimeout", Delivery::MaybeProcessed, true},
               {"head", head.url(), "readTimeout", Delivery::MaybeProcessed, false},
               {"body", body.url(), "readTimeout", Delivery::Answered, false}};
    }

    static Exchange exchange(const Stall& stall)
    {
        return stall.large ? request("POST", stall.url, std::string(20'000'000, 'x')) : request("GET", stall.url);
    }

    std::atomic<int> requestsSeen{0};
    FullBacklog backlog;
    RawServer tls, head, body, write;
    std::vector<Stall> all;
};

} // namespace

BOOST_AUTO_TEST_SUITE(DeadlineTests)

BOOST_AUTO_TEST_CASE(each_phase_ends_at_its_own_limit)
{
    const Authority authority;
    Stalls stalls;
    TransportOptions options;
    options.tls.caFile = authority.file();
    for (const Stall& stall : stalls.all) BOOST_TEST_CONTEXT(stall.phase)
        {
            options.connectTimeout = options.tlsTimeout = options.writeTimeout = options.readTimeout = stall.limit();
            const auto transport = Transport::create(options);
            Exchange exchange = Stalls::exchange(stall);
            const auto error = errorOf<Timeout>([&] { bodyOf(transport->exchange(exchange)); });
            BOOST_TEST(error->details().message.find(stall.option) != std::string::npos, error->what());
            const std::string limit = " " + std::to_string(stall.limit().count()) + " ms ";
            BOOST_TEST(error->details().message.find(limit) != std::string::npos, error->what());
            BOOST_TEST(toString(error->delivery()) == toString(stall.delivery));
            BOOST_TEST(transport->stats().openConnections == 0u);
        }
}

BOOST_AUTO_TEST_CASE(each_phase_ends_at_the_calls_deadline)
{
    const Authority authority;
    Stalls stalls;
    TransportOptions options;
    options.tls.caFile = authority.file();
    const auto transport = Transport::create(options);
    for (const Stall& stall : stalls.all) BOOST_TEST_CONTEXT(stall.phase)
        {
            Exchange exchange = Stalls::exchange(stall);
            exchange.deadline = Steady::now() + stall.limit();
            const auto error = errorOf<Timeout>([&] { bodyOf(transport->exchange(exchange)); });
            BOOST_TEST(error->details().message.find("deadline") != std::string::npos, error->what());
            BOOST_TEST(toString(error->delivery()) == toString(stall.delivery));
            BOOST_TEST(transport->stats().openConnections == 0u);
        }
}

BOOST_AUTO_TEST_CASE(each_phase_ends_on_cancellation)
{
    const Authority authority;
    Stalls stalls;
    TransportOptions options;
    options.tls.caFile = authority.file();
    const auto transport = Transport::create(options);
    for (const Stall& stall : stalls.all) BOOST_TEST_CONTEXT(stall.phase)
        {
            CancellationSource source;
            Exchange exchange = Stalls::exchange(stall);
            exchange.cancellation = source.token();
            std::atomic<bool> answered{false};
            stalls.requestsSeen = 0;
            std::thread canceller([&] {
                if (stall.delivery == Delivery::MaybeProcessed) eventually([&] { return stalls.requestsSeen > 0; });
                if (stall.delivery == Delivery::Answered) eventually([&] { return answered.load(); });
                std::this_thread::sleep_for(30ms);
                source.cancel();
            });
            const auto error = errorOf<Cancelled>([&] {
                const Response response = transport->exchange(exchange);
                answered = true;
                bodyOf(response);
            });
            canceller.join();
            BOOST_TEST(toString(error->delivery()) == toString(stall.delivery));
            BOOST_TEST(transport->stats().openConnections == 0u);
        }
}

BOOST_AUTO_TEST_CASE(a_call_that_is_over_before_it_begins_sends_nothing)
{
    RawServer server(always(answer("hi")));
    const auto transport = Transport::create();
    Exchange late = request("GET", server.url());
    late.deadline = Steady::now() - 1ms;
    BOOST_CHECK(errorOf<Timeout>([&] { transport->exchange(late); })->delivery() == Delivery::NotSent);
    CancellationSource source;
    source.cancel();
    Exchange cancelled = request("GET", server.url());
    cancelled.cancellation = source.token();
    BOOST_CHECK(errorOf<Cancelled>([&] { transport->exchange(cancelled); })->delivery() == Delivery::NotSent);
    BOOST_TEST(server.connections() == 0u);
}

BOOST_AUTO_TEST_CASE(a_drip_does_not_outlast_the_deadline)
{
    for (const bool inHead : {true, false}) {
        RawServer server([inHead](Peer& peer) {
            peer.readRequest();
            peer.send("HTTP/1.1 200 OK\r\n");
            if (!inHead) peer.send("Content-Length: 100000\r\n\r\n");
            while (peer.send(inHead ? "A: b\r\n" : "x")) Peer::pause(10ms);
        });
        TransportOptions options;
        options.readTimeout = 10s;
        const auto transport = Transport::create(options);
        Exchange exchange = request("GET", server.url());
        exchange.deadline = Steady::now() + 150ms;
        errorOf<Timeout>([&] { bodyOf(transport->exchange(exchange)); });
        BOOST_CHECK(Steady::now() - exchange.deadline < 5s);
    }
}

BOOST_AUTO_TEST_CASE(a_flood_does_not_outlast_the_deadline)
{
    // A peer that always has data never makes us wait, so the clock must be looked at all the same.
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
        const std::string piece(100'000, 'x');
        while (peer.send(piece)) {
        }
    });
    TransportOptions options;
    options.maxBodyBytes = ~std::uint64_t{0};
    const auto transport = Transport::create(options);
    Exchange exchange = request("GET", server.url());
    exchange.deadline = Steady::now() + 200ms;
    std::size_t size = 0;
    errorOf<Timeout>([&] {
        const Response response = transport->exchange(exchange);
        std::this_thread::sleep_until(exchange.deadline + 50ms); // all buffers are full
        char scratch[256];
        while (size < 64 * 1024) size += response.source()->read(scratch, sizeof scratch);
    });
    BOOST_TEST(size <= 16 * 1024u); // what came with the head
}

BOOST_AUTO_TEST_CASE(a_slow_but_steady_body_is_fine)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        for (int i = 0; i < 10; ++i) {
            Peer::pause(350ms);
            peer.send("x");
        }
        peer.readToEnd();
    });
    TransportOptions options;
    options.readTimeout = 3s; // without progress: in all it takes longer
    Exchange exchange = request("GET", server.url());
    BOOST_TEST(bodyOf(Transport::create(options)->exchange(exchange)) == "xxxxxxxxxx");
}

BOOST_AUTO_TEST_CASE(nobody_listens)
{
    unsigned short port = 0;
    {
        const RawServer gone(silent);
        port = gone.port();
    }
    Exchange exchange = request("GET", "http://127.0.0.1:" + std::to_string(port) + "/");
    const auto error = errorOf<ConnectError>([&] { Transport::create()->exchange(exchange); });
    BOOST_CHECK(error->delivery() == Delivery::NotSent);
    BOOST_TEST(error->details().message.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
    BOOST_TEST(exchange.attempt.error == "ConnectError");
}

BOOST_AUTO_TEST_CASE(all_addresses_are_tried)
{
    RawServer server(always(answer("four"))); // on 127.0.0.1 only, while localhost has ::1 too
    Exchange exchange = request("GET", server.url("/", "localhost"));
    BOOST_TEST(bodyOf(Transport::create()->exchange(exchange)) == "four");
}

BOOST_AUTO_TEST_SUITE_END()
