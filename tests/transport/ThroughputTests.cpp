#include "Support.h"

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

/// Every other limit is far away.
std::shared_ptr<Transport> atLeast(std::uint64_t bytesPerSecond, std::chrono::milliseconds over)
{
    TransportOptions options;
    options.minimumThroughput = Throughput{bytesPerSecond, over};
    options.readTimeout = options.writeTimeout = 60s;
    return Transport::create(options);
}

void names(const ErrorPtr& error, const std::string& what)
{
    const std::string& message = error->details().message;
    BOOST_TEST(message.find("minimumThroughput") != std::string::npos, message);
    BOOST_TEST(message.find(what) != std::string::npos, message);
    BOOST_TEST(error->hint().find("minimumThroughput") != std::string::npos, error->hint());
}

} // namespace

BOOST_AUTO_TEST_SUITE(ThroughputTests)

BOOST_AUTO_TEST_CASE(a_drip_of_an_answer_is_given_up)
{
    for (const bool chunked : {false, true}) {
        RawServer server([chunked](Peer& peer) {
            peer.readRequest();
            peer.send(chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              : "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while (peer.send(chunked ? "1\r\nx\r\n" : "x")) Peer::pause(10ms);
        });
        Exchange exchange = request("GET", server.url());
        const auto transport = atLeast(10'000, 200ms);
        const auto error = errorOf<Timeout>([&] { bodyOf(transport->exchange(exchange)); });
        names(error, "the response body");
        BOOST_CHECK(error->delivery() == Delivery::Answered);
        BOOST_TEST(transport->stats().openConnections == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_stall_is_the_slowest_of_drips)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        peer.readToEnd();
    });
    Exchange exchange = request("GET", server.url());
    names(errorOf<Timeout>([&] { bodyOf(atLeast(1, 150ms)->exchange(exchange)); }), "0 bytes");
}

BOOST_AUTO_TEST_CASE(a_server_that_hardly_reads_is_given_up)
{
    RawServer server([](Peer& peer) {
        while (!peer.ended) {
            char byte = 0;
            if (::recv(peer.descriptor(), &byte, 1, 0) == 0) return;
            Peer::pause(5ms);
        }
    });
    Exchange exchange = request("POST", server.url(), std::string(20'000'000, 'x'));
    // What fills the buffers of the kernel counts as sent, so the first span may pass.
    const auto error = errorOf<Timeout>([&] { atLeast(10'000, 200ms)->exchange(exchange); });
    names(error, "the request to be sent");
    BOOST_CHECK(error->delivery() == Delivery::MaybeProcessed);
}

BOOST_AUTO_TEST_CASE(pauses_shorter_than_the_span_are_fine)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 160000\r\n\r\n");
        for (int i = 0; i < 16 && peer.send(std::string(10'000, 'x')); ++i) Peer::pause(250ms);
        peer.readToEnd();
    });
    Exchange exchange = request("GET", server.url());
    BOOST_TEST(bodyOf(atLeast(5'000, 3s)->exchange(exchange)).size() == 160'000u); // longer than a span in all
}

BOOST_AUTO_TEST_CASE(a_slow_reader_does_not_blame_the_server)
{
    RawServer server(always(answer(std::string(200'000, 'x'))));
    Exchange exchange = request("GET", server.url());
    const Response response = atLeast(10'000'000, 2s)->exchange(exchange); // it takes longer, the server does not
    std::string piece(20'000, 0);
    std::size_t size = 0;
    for (std::size_t count = 1; count > 0; size += count) {
        std::this_thread::sleep_for(250ms);
        count = response.source()->read(piece.data(), piece.size());
    }
    BOOST_TEST(size == 200'000u);
}

BOOST_AUTO_TEST_CASE(waiting_for_the_head_does_not_count)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        Peer::pause(250ms);
        peer.send(answer("worth it"));
        peer.readToEnd();
    });
    Exchange exchange = request("POST", server.url(), "small");
    BOOST_TEST(bodyOf(atLeast(1'000'000, 100ms)->exchange(exchange)) == "worth it");
}

BOOST_AUTO_TEST_CASE(a_rate_or_span_of_zero_is_refused)
{
    errorOf<ConfigurationError>([] { atLeast(0, 1s); });
    errorOf<ConfigurationError>([] { atLeast(1, 0ms); });
    errorOf<ConfigurationError>([] { atLeast(1, -1ms); });
    RawServer server(always(answer("hi")));
    Exchange exchange = request("GET", server.url());
    BOOST_TEST(bodyOf(atLeast(1, std::chrono::milliseconds::max())->exchange(exchange)) == "hi");
}

BOOST_AUTO_TEST_SUITE_END()
