#include "Certificates.h"
#include "Support.h"

#include "tollgate/Client.h"

#include <csignal>

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

/// A body that is made while it is sent.
class Produced : public RequestBody
{
public:
    Produced(std::size_t size, std::optional<std::uint64_t> promised, std::size_t step = 1000)
        : _left(size)
        , _promised(promised)
        , _step(step)
    {}
    std::optional<std::uint64_t> length() const override { return _promised; }
    bool replayable() const override { return false; }
    void rewind() override {}
    std::size_t read(char* buffer, std::size_t capacity) override
    {
        const std::size_t count = std::min({capacity, _left, _step});
        std::fill(buffer, buffer + count, 'p');
        _left -= count;
        return count;
    }

private:
    std::size_t _left;
    std::optional<std::uint64_t> _promised;
    std::size_t _step;
};

class Failing : public RequestBody
{
public:
    std::optional<std::uint64_t> length() const override { return 10; }
    bool replayable() const override { return false; }
    void rewind() override {}
    std::size_t read(char*, std::size_t) override { throw std::runtime_error("disk gone"); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(UploadTests)

BOOST_AUTO_TEST_CASE(produced_bodies_go_out_with_a_length_or_in_chunks)
{
    Record seen;
    RawServer server([&](Peer& peer) {
        for (std::string text = peer.readRequest(); !text.empty(); text = peer.readRequest()) {
            seen.add(text);
            peer.send(answer("got it"));
        }
    });
    const auto transport = Transport::create();
    Exchange known = request("POST", server.url());
    known.body = std::make_shared<Produced>(50'000, 50'000);
    BOOST_TEST(bodyOf(transport->exchange(known)) == "got it");
    Exchange unknown = request("POST", server.url());
    unknown.body = std::make_shared<Produced>(25, std::nullopt, 10);
    BOOST_TEST(bodyOf(transport->exchange(unknown)) == "got it");
    Exchange empty = request("POST", server.url());
    empty.body = std::make_shared<Produced>(0, std::nullopt);
    BOOST_TEST(bodyOf(transport->exchange(empty)) == "got it");

    BOOST_CHECK(seen[0].find("\r\nContent-Length: 50000\r\n") != std::string::npos);
    BOOST_TEST(seen[0].substr(seen[0].find("\r\n\r\n") + 4).size() == 50'000u);
    BOOST_CHECK(seen[1].find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos);
    BOOST_TEST(seen[1].substr(seen[1].find("\r\n\r\n") + 4) ==
               "000a\r\npppppppppp\r\n000a\r\npppppppppp\r\n0005\r\nppppp\r\n0\r\n\r\n");
    BOOST_TEST(seen[2].substr(seen[2].find("\r\n\r\n") + 4) == "0\r\n\r\n");
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(a_body_shorter_than_promised_is_the_callers_error)
{
    RawServer server([](Peer& peer) { peer.readToEnd(); });
    const auto transport = Transport::create();
    Exchange exchange = request("POST", server.url());
    exchange.body = std::make_shared<Produced>(10, 20);
    const auto error = errorOf<InvalidRequest>([&] { transport->exchange(exchange); });
    BOOST_TEST(error->details().message.find("10 of 20") != std::string::npos);
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_body_throws_passes_through)
{
    RawServer server([](Peer& peer) { peer.readToEnd(); });
    const auto transport = Transport::create();
    Exchange exchange = request("POST", server.url());
    exchange.body = std::make_shared<Failing>();
    BOOST_CHECK_EXCEPTION(transport->exchange(exchange), std::runtime_error,
                          [](const std::runtime_error& error) { return std::string(error.what()) == "disk gone"; });
    BOOST_TEST(transport->stats().openConnections == 0u);
}

// As from a body that is read off another API: its loss is not the loss of this connection, and no reason to try again at once.
BOOST_AUTO_TEST_CASE(an_error_of_ours_from_a_body_stays_the_bodys)
{
    class Relayed : public Failing
    {
    public:
        std::size_t read(char*, std::size_t) override { throw ConnectionLost("the other API went away", "Read it again."); }
    };
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send(answer("warm"));
        peer.readToEnd();
    });
    const auto transport = Transport::create();
    Exchange warm = request("GET", server.url());
    bodyOf(transport->exchange(warm));
    Exchange exchange = request("POST", server.url());
    exchange.body = std::make_shared<Relayed>();
    const auto error = errorOf<ConnectionLost>([&] { transport->exchange(exchange); });
    BOOST_TEST(exchange.attempt.reusedConnection);
    BOOST_TEST(!error->details().staleConnection);
    BOOST_TEST(std::string(error->what()).find("127.0.0.1") == std::string::npos, error->what());
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(what_left_before_a_body_failed_decides_whether_the_call_is_repeated)
{
    class Broken : public RequestBody
    {
    public:
        explicit Broken(ErrorPtr error) : _error(std::move(error)) {}
        std::optional<std::uint64_t> length() const override { return std::nullopt; }
        bool replayable() const override { return true; }
        void rewind() override { _left = 4; }
        std::size_t read(char* buffer, std::size_t capacity) override
        {
            if (_left-- == 0) _error->rethrow();
            std::fill(buffer, buffer + capacity, 'p');
            return capacity;
        }

    private:
        ErrorPtr _error;
        int _left = 4;
    };
    for (const Delivery delivery : {Delivery::NotSent, Delivery::MaybeProcessed, Delivery::Answered}) {
        std::atomic<int> begun{0};
        RawServer server([&](Peer& peer) {
            if (peer.readSome()) ++begun;
            peer.readToEnd();
        });
        ErrorDetails details;
        details.message = "the other API went away";
        details.delivery = delivery; // of the other API's answer
        details.staleConnection = true;
        const auto body = std::make_shared<Broken>(std::make_shared<ConnectionLost>(details));
        RetryPolicy policy;
        policy.baseDelay = 1ms;
        const Client client = Client::to(server.url("")).retry(policy).limit(perMinute(10)).build();
        const auto result = client.post("/").body(body, "text/plain").timeout(20s).trySend();
        BOOST_REQUIRE(!result);
        BOOST_TEST((result.error().delivery() == Delivery::MaybeProcessed));
        BOOST_TEST(!result.error().details().staleConnection);
        BOOST_TEST(client.quota().limits.at(0).remaining == 9u);
        BOOST_TEST(!client.put("/").body(body, "text/plain").timeout(20s).trySend());
        BOOST_TEST(eventually([&] { return begun == 1 + 3; })); // the POST once, the PUT three times
    }
}

BOOST_AUTO_TEST_CASE(a_success_from_a_server_that_reads_no_further_is_the_answer)
{
    RawServer server([](Peer& peer) {
        peer.readSome();
        peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\ndone");
        peer.shutdownWrite();
        while (!peer.ended) Peer::pause(5ms);
    });
    for (const bool produced : {false, true})
        for (const bool inTime : {true, false}) {
            TransportOptions options;
            options.writeTimeout = inTime ? 200ms : 20s;
            const auto transport = Transport::create(options);
            Exchange exchange = request("PUT", server.url(), std::string(20'000'000, 'x'));
            if (produced) exchange.body = std::make_shared<Produced>(20'000'000, std::nullopt, 16'000);
            if (!inTime) exchange.deadline = std::chrono::steady_clock::now() + 200ms;
            if (inTime) {
                const Response response = transport->exchange(exchange);
                BOOST_TEST(response.status() == 200);
                BOOST_TEST(bodyOf(response) == "done");
            } else {
                const auto error = errorOf<Timeout>([&] { transport->exchange(exchange); });
                BOOST_CHECK(error->delivery() == Delivery::MaybeProcessed);
            }
            BOOST_TEST(transport->stats().openConnections == 0u);
        }
}

// To close after an answer is about the requests to come (RFC 9112 section 9.6), not about the body on its way.
BOOST_AUTO_TEST_CASE(an_early_success_does_not_cut_an_upload_short)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    constexpr std::size_t size = 3'000'000;
    TransportOptions options;
    options.tls.caFile = authority.file();
    for (SSL_CTX* secured : {static_cast<SSL_CTX*>(nullptr), context.get()})
        for (const char* head : {"HTTP/1.1 200 OK\r\nConnection: close\r\n", "HTTP/1.0 201 Created\r\n"})
            for (const bool produced : {false, true}) {
                std::atomic<std::size_t> arrived{0};
                RawServer server(
                    [&](Peer& peer) {
                        peer.readSome();
                        deliver(peer, head + std::string("Content-Length: 4\r\n\r\ndone"));
                        const std::string whole = peer.readRequest();
                        arrived = static_cast<std::size_t>(std::count(whole.begin(), whole.end(), 'p'));
                    },
                    secured);
                Exchange exchange = request("PUT", server.url("/u"), std::string(size, 'p'));
                if (produced) exchange.body = std::make_shared<Produced>(size, size);
                const Response response = Transport::create(options)->exchange(exchange);
                BOOST_TEST(response.status() / 100 == 2);
                BOOST_TEST(bodyOf(response) == "done");
                BOOST_TEST(eventually([&] { return arrived >= size; }), arrived << " of " << size << " bytes arrived");
            }
}

BOOST_AUTO_TEST_CASE(an_error_that_comes_while_a_large_body_is_sent_is_the_answer)
{
    for (const bool closes : {false, true}) {
        RawServer server([closes](Peer& peer) {
            peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large");
            if (closes) peer.shutdownWrite();
            while (!peer.ended) Peer::pause(5ms); // reads nothing at all
        });
        for (const bool produced : {false, true}) {
            const auto transport = Transport::create();
            Exchange exchange = request("POST", server.url(), std::string(20'000'000, 'x'));
            if (produced) exchange.body = std::make_shared<Produced>(20'000'000, std::nullopt, 16'000);
            const Response response = transport->exchange(exchange);
            BOOST_TEST(response.status() == 413);
            BOOST_TEST(bodyOf(response) == "too large");
            BOOST_TEST(transport->stats().openConnections == 0u); // half a request went out: nothing can follow it
        }
    }
}

BOOST_AUTO_TEST_CASE(an_error_with_a_reset_behind_it_is_still_read)
{
    // The server answers, reads no further and closes: our next bytes meet a reset, while its answer lies here unread.
    RawServer server([](Peer& peer) {
        peer.readSome();
        peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
        Peer::pause(20ms);
    });
    class Slow : public Produced
    {
    public:
        Slow() : Produced(400'000, std::nullopt, 500) {}
        std::size_t read(char* buffer, std::size_t capacity) override
        {
            std::this_thread::sleep_for(2ms);
            return Produced::read(buffer, capacity);
        }
    };
    const auto transport = Transport::create();
    Exchange exchange = request("POST", server.url());
    exchange.body = std::make_shared<Slow>();
    const Response response = transport->exchange(exchange);
    BOOST_TEST(response.status() == 401);
    BOOST_TEST(bodyOf(response) == "no");
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(interim_responses_do_not_stop_an_upload)
{
    Record seen;
    RawServer server([&](Peer& peer) {
        peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
        Peer::pause(30ms);
        seen.add(peer.readRequest());
        peer.send(answer("all of it"));
        peer.readToEnd();
    });
    const auto transport = Transport::create();
    Exchange exchange = request("POST", server.url(), std::string(10'000'000, 'x'));
    BOOST_TEST(bodyOf(transport->exchange(exchange)) == "all of it");
    BOOST_TEST(seen[0].size() > 10'000'000u);
    BOOST_TEST(transport->stats().idleConnections == 1u);
}

BOOST_AUTO_TEST_CASE(writing_to_a_dead_connection_raises_no_signal)
{
    static std::atomic<int> signals{0};
    struct sigaction before
    {};
    struct sigaction counting
    {};
    counting.sa_handler = [](int) { ++signals; };
    ::sigaction(SIGPIPE, &counting, &before);
    RawServer server([](Peer& peer) {
        peer.readSome();
        peer.reset();
    });
    for (int i = 0; i < 5; ++i) {
        Exchange exchange = request("POST", server.url(), std::string(5'000'000, 'x'));
        errorOf<ConnectionLost>([&] { Transport::create()->exchange(exchange); });
    }
    ::sigaction(SIGPIPE, &before, nullptr);
    BOOST_TEST(signals == 0);
}

BOOST_AUTO_TEST_CASE(requests_that_cannot_be_sent_are_refused_before_anything_moves)
{
    RawServer server(always(answer("never")));
    const auto transport = Transport::create();
    const auto refused = [&](Exchange exchange) {
        const auto error = errorOf<InvalidRequest>([&] { transport->exchange(exchange); });
        BOOST_CHECK(error->delivery() == Delivery::NotSent);
        BOOST_TEST(error->details().message.find("s3cret") == std::string::npos);
        return error->details().message;
    };
    for (const char* method : {"", "GET /", "G\r\nET", "CONNECT"}) {
        Exchange exchange = request("GET", server.url());
        exchange.method = method;
        refused(exchange);
    }
    const auto withField = [&](const std::string& name, const std::string& value) {
        Exchange exchange = request("GET", server.url());
        exchange.headers.add(name, value);
        return refused(exchange);
    };
    withField("X Y", "s3cret");
    withField("", "s3cret");
    withField("X:", "s3cret");
    withField("X\r\n", "s3cret");
    BOOST_TEST(withField("X-Key", "s3cret\r\nX-Forged: 1").find("X-Key") != std::string::npos);
    withField("X-Key", "s3cret\n");
    withField("X-Key", std::string("s3cret\0", 7));
    withField("X-Key", "s3cret\x7f");
    for (const char* name :
         {"Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Proxy-Connection"})
        BOOST_TEST(withField(name, "s3cret").find(name) != std::string::npos);
    BOOST_TEST(withField("Expect", "100-continue").find("Expect") != std::string::npos); // we never ask before we send
    BOOST_TEST(withField("expect", "s3cret").find("Expect") != std::string::npos);
    BOOST_TEST(withField("Host", "s3cret.example").find("Host") != std::string::npos);
    BOOST_TEST(server.connections() == 0u);

    Exchange sameHost = request("GET", server.url());
    sameHost.headers.add("Host", "127.0.0.1:" + std::to_string(server.port()));
    sameHost.headers.add("X-Text", "tab\tand \xc3\xa4");
    BOOST_TEST(transport->exchange(sameHost).status() == 200);
}

BOOST_AUTO_TEST_SUITE_END()
