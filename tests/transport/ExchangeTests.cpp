#include "Support.h"

#include "tollgate/Client.h"
#include "tollgate/RetryPolicy.h"

using namespace tollgate;
using namespace tollgate::transport::test;

BOOST_AUTO_TEST_SUITE(ExchangeTests)

BOOST_AUTO_TEST_CASE(a_get_comes_back_with_head_and_body)
{
    Record seen;
    RawServer server([&](Peer& peer) {
        seen.add(peer.readRequest());
        peer.send("HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 5\r\n\r\nhello");
        peer.readToEnd();
    });
    const auto transport = Transport::create();
    Exchange exchange = request("GET", server.url("/path?q=1"));
    exchange.headers.add("X-Custom", "a b");
    const Response response = transport->exchange(exchange);

    BOOST_TEST(response.status() == 200);
    BOOST_TEST(response.head().reason == "Fine");
    BOOST_TEST(response.header("content-type") == "text/plain");
    BOOST_TEST(response.headers().getAll("X-Twice").size() == 2u);
    BOOST_TEST(bodyOf(response) == "hello");
    const std::string host = "127.0.0.1:" + std::to_string(server.port());
    BOOST_TEST(seen[0] ==
               "GET /path?q=1 HTTP/1.1\r\nHost: " + host + "\r\nX-Custom: a b\r\nAccept-Encoding: gzip, deflate\r\n\r\n");

    const Attempt& attempt = exchange.attempt;
    BOOST_TEST(attempt.address == host);
    BOOST_TEST(!attempt.reusedConnection);
    BOOST_TEST(attempt.status == 200);
    BOOST_TEST(attempt.error.empty());
    BOOST_CHECK(attempt.delivery == Delivery::Answered);
    BOOST_TEST(attempt.connect.count() > 0);
    BOOST_TEST(attempt.tls.count() == 0);
    BOOST_TEST(attempt.firstByte.count() > 0);
    BOOST_CHECK(attempt.total >= attempt.connect + attempt.firstByte);
}

BOOST_AUTO_TEST_CASE(bodies_are_always_framed)
{
    Record seen;
    RawServer server([&](Peer& peer) {
        for (std::string text = peer.readRequest(); !text.empty(); text = peer.readRequest()) {
            seen.add(text);
            peer.send(answer(""));
        }
    });
    const auto transport = Transport::create();
    const auto send = [&](const std::string& method, const std::string& body) {
        Exchange exchange = request(method, server.url(), body);
        transport->exchange(exchange);
    };
    send("POST", "");
    send("POST", "abc");
    send("DELETE", "");
    send("PUT", std::string(100'000, 'x'));
    transport->closeIdle();
    BOOST_REQUIRE(seen.size() == 4u);
    BOOST_CHECK(seen[0].find("\r\nContent-Length: 0\r\n") != std::string::npos);
    BOOST_CHECK(seen[1].find("\r\nContent-Length: 3\r\n") != std::string::npos);
    BOOST_CHECK(seen[1].substr(seen[1].size() - 7) == "\r\n\r\nabc");
    BOOST_CHECK(seen[2].find("Content-Length") == std::string::npos);
    BOOST_CHECK(seen[3].find("\r\nContent-Length: 100000\r\n") != std::string::npos);
    BOOST_CHECK(seen[3].substr(seen[3].size() - 100'000) == std::string(100'000, 'x'));
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(keep_alive_reuses_one_connection)
{
    RawServer server(always(answer("hi")));
    const auto transport = Transport::create();
    for (int i = 0; i < 50; ++i) {
        Exchange exchange = request("GET", server.url());
        BOOST_TEST(bodyOf(transport->exchange(exchange)) == "hi");
        BOOST_TEST(exchange.attempt.reusedConnection == (i > 0));
        BOOST_TEST(!exchange.attempt.address.empty());
    }
    BOOST_TEST(server.connections() == 1u);
    const TransportStats stats = transport->stats();
    BOOST_TEST(stats.exchanges == 50u);
    BOOST_TEST(stats.connectionsOpened == 1u);
    BOOST_TEST(stats.reused == 49u);
    BOOST_TEST(stats.stale == 0u);
    BOOST_TEST(stats.idleConnections == 1u);
    BOOST_TEST(stats.openConnections == 1u);
    transport->closeIdle();
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(answers_without_a_body_have_none_whatever_they_say)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"); // to a HEAD
        peer.readRequest();
        peer.send("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
        peer.readRequest();
        peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
        peer.readRequest();
        peer.send(answer("end"));
        peer.readToEnd();
    });
    const auto transport = Transport::create();
    const auto send = [&](const std::string& method) {
        Exchange exchange = request(method, server.url());
        return transport->exchange(exchange);
    };
    const Response head = send("HEAD");
    BOOST_TEST(head.header("Content-Length") == "1000");
    BOOST_TEST(bodyOf(head).empty());
    BOOST_TEST(bodyOf(send("GET")).empty());
    BOOST_TEST(send("GET").status() == 304);
    BOOST_TEST(bodyOf(send("GET")) == "end");
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(interim_responses_are_not_the_answer)
{
    RawServer server(always("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer("real")));
    const auto transport = Transport::create();
    for (int i = 0; i < 2; ++i) {
        Exchange exchange = request("GET", server.url());
        const Response response = transport->exchange(exchange);
        BOOST_TEST(response.status() == 200);
        BOOST_TEST(!response.headers().has("Link"));
        BOOST_TEST(bodyOf(response) == "real");
    }
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(chunks_and_trailers)
{
    RawServer server(always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                            "3;why=not\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX-Sum: 13\r\n\r\n"));
    const auto transport = Transport::create();
    for (int i = 0; i < 2; ++i) {
        Exchange exchange = request("GET", server.url());
        const Response response = transport->exchange(exchange);
        BOOST_TEST(bodyOf(response) == "abc0123456789");
        BOOST_TEST(response.source()->trailers().get("X-Sum", "") == "13");
        BOOST_TEST(!response.headers().has("X-Sum"));
    }
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(a_body_can_be_read_piece_by_piece)
{
    const std::string body(300'000, 'b');
    RawServer server(always(answer(body)));
    const auto transport = Transport::create();
    Exchange exchange = request("GET", server.url());
    const Response response = transport->exchange(exchange);
    BOOST_TEST(response.source()->remaining().value() == 300'000u);
    std::string got;
    char piece[777];
    while (const std::size_t count = response.source()->read(piece, sizeof piece)) got.append(piece, count);
    BOOST_CHECK(got == body);
    BOOST_TEST(response.source()->remaining().value() == 0u);
    BOOST_TEST(response.source()->read(piece, sizeof piece) == 0u);
}

BOOST_AUTO_TEST_CASE(close_delimited_bodies_end_with_the_connection)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    });
    const auto transport = Transport::create();
    Exchange exchange = request("GET", server.url());
    const Response response = transport->exchange(exchange);
    BOOST_TEST(response.head().version == 10u);
    BOOST_TEST(bodyOf(response) == "until the end");
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(a_body_cut_off_is_an_error_and_stays_one)
{
    for (const char* bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcde",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabcde",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nX: 1\r\n"})
    {
        RawServer server([bytes](Peer& peer) {
            peer.readRequest();
            peer.send(bytes);
        });
        const auto transport = Transport::create();
        Exchange exchange = request("GET", server.url());
        const Response response = transport->exchange(exchange);
        std::string body;
        const auto error = errorOf<ConnectionLost>([&] { response.source()->readAll(body); });
        BOOST_CHECK(error->delivery() == Delivery::Answered);
        BOOST_TEST(!error->details().staleConnection);
        BOOST_TEST(body == "abcde");
        errorOf<ConnectionLost>([&] { response.source()->readAll(body); });
        BOOST_TEST(transport->stats().openConnections == 0u);

        Exchange again = request("GET", server.url());
        const Response piecewise = transport->exchange(again);
        char piece[3];
        std::string got;
        errorOf<ConnectionLost>([&] {
            while (const std::size_t count = piecewise.source()->read(piece, sizeof piece)) got.append(piece, count);
        });
        BOOST_TEST(got == "abcde");
        for (int i = 0; i < 2; ++i) errorOf<ConnectionLost>([&] { piecewise.source()->read(piece, sizeof piece); });

        Exchange third = request("GET", server.url());
        Response full = transport->exchange(third); // a caller whose buffer happens to be full asks for nothing
        BOOST_TEST(full.read(piece, 0) == 0u);
        BOOST_TEST(full.read(piece, 2) == 2u);
        BOOST_TEST(full.read(piece, 0) == 0u);
        errorOf<ConnectionLost>([&] {
            while (full.read(piece, sizeof piece) > 0) {
            }
        });
    }
}

BOOST_AUTO_TEST_CASE(whoever_reads_a_body_learns_that_it_was_cut_off)
{
    const std::string zipped("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07", 16); // "hello", without its checksum
    const std::vector<std::pair<std::string, std::string>> answers = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcde", "ConnectionLost"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", "ConnectionLost"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nx\r\n", "ProtocolError"},
        {answer(zipped, "Content-Encoding: gzip\r\nConnection: close\r\n"), "ProtocolError"}};
    for (const auto& [bytes, type] : answers) {
        RawServer server([text = bytes](Peer& peer) {
            peer.readRequest();
            peer.send(text);
        });
        RetryPolicy once;
        once.attempts = 1;
        const Client client = Client::to(server.url()).retry(once).build();
        const Result<Response> sent = client.get("/").trySend();
        BOOST_REQUIRE(!sent);
        BOOST_TEST(sent.error().name() == type);
        BOOST_CHECK(sent.error().delivery() == Delivery::Answered);
        if (const Response* const response = sent.error().response()) BOOST_TEST(response->body().empty());
        BOOST_CHECK_THROW(client.get("/").send(), TransportError);

        Response opened = client.get("/").open();
        char piece[64];
        const auto toTheEnd = [&] {
            while (opened.read(piece, sizeof piece) > 0) {
            }
        };
        for (int i = 0; i < 2; ++i) BOOST_CHECK_THROW(toTheEnd(), TransportError);
    }
}

BOOST_AUTO_TEST_CASE(no_answer_and_half_an_answer_are_lost_connections)
{
    for (const char* bytes : {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 1"}) {
        RawServer server([bytes](Peer& peer) {
            peer.readRequest();
            peer.send(bytes);
        });
        const auto transport = Transport::create();
        Exchange exchange = request("POST", server.url(), "x");
        const auto error = errorOf<ConnectionLost>([&] { transport->exchange(exchange); });
        BOOST_CHECK(error->delivery() == Delivery::MaybeProcessed);
        BOOST_TEST(!error->details().staleConnection);
        BOOST_TEST(exchange.attempt.error == "ConnectionLost");
        BOOST_CHECK(exchange.attempt.delivery == Delivery::MaybeProcessed);
        BOOST_TEST(error->details().message.find("http://127.0.0.1:") == 0u);
    }
}

BOOST_AUTO_TEST_CASE(the_head_is_capped)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        std::string head = "HTTP/1.1 200 OK\r\n";
        while (head.size() < 200'000) head += "X-Filler: " + std::string(100, 'f') + "\r\n";
        peer.send(head);
        peer.readToEnd();
    });
    const auto transport = Transport::create();
    Exchange exchange = request("GET", server.url());
    errorOf<ResponseTooLarge>([&] { transport->exchange(exchange); });
}

BOOST_AUTO_TEST_CASE(a_large_head_below_the_cap_passes)
{
    std::string fields;
    while (fields.size() < 60'000) fields += "X-Filler: " + std::string(4092, 'f') + "\r\n";
    RawServer server(always(answer("body", fields)));
    const auto transport = Transport::create();
    for (int i = 0; i < 2; ++i) {
        Exchange exchange = request("GET", server.url());
        const Response response = transport->exchange(exchange);
        BOOST_TEST(response.headers().getAll("X-Filler").size() == 15u);
        BOOST_TEST(bodyOf(response) == "body");
    }
}

BOOST_AUTO_TEST_CASE(the_body_is_capped_whether_its_length_is_known_or_not)
{
    const std::string body(5000, 'b');
    for (const std::string& bytes :
         {answer(body), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + body + "\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body})
    {
        RawServer server([&](Peer& peer) {
            peer.readRequest();
            peer.send(bytes);
        });
        TransportOptions options;
        options.maxBodyBytes = 4999;
        Exchange exchange = request("GET", server.url());
        const Response response = Transport::create(options)->exchange(exchange);
        errorOf<ResponseTooLarge>([&] { bodyOf(response); });

        RawServer again([&](Peer& peer) {
            peer.readRequest();
            peer.send(bytes);
        });
        options.maxBodyBytes = 5000;
        Exchange fits = request("GET", again.url());
        BOOST_CHECK(bodyOf(Transport::create(options)->exchange(fits)) == body);
    }
}

BOOST_AUTO_TEST_CASE(a_false_length_costs_no_memory)
{
    RawServer server([](Peer& peer) {
        peer.readRequest();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nabc");
    });
    TransportOptions options;
    options.maxBodyBytes = ~std::uint64_t{0};
    Exchange exchange = request("GET", server.url());
    const Response response = Transport::create(options)->exchange(exchange);
    std::string body;
    errorOf<ConnectionLost>([&] { response.source()->readAll(body); });
    BOOST_TEST(body == "abc");
    BOOST_TEST(body.capacity() < 16u * 1024 * 1024);
}

BOOST_AUTO_TEST_CASE(twenty_threads_share_one_transport)
{
    RawServer server([](Peer& peer) {
        for (std::string text = peer.readRequest(); !text.empty(); text = peer.readRequest())
            peer.send(answer(text.substr(4, text.find(' ', 4) - 4)));
    });
    const auto transport = Transport::create();
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 20; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 50; ++i) {
                const std::string target = "/" + std::to_string(thread) + "/" + std::to_string(i);
                Exchange exchange = request("GET", server.url(target));
                if (bodyOf(transport->exchange(exchange)) == target) ++right;
            }
        });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(right == 1000);
    BOOST_TEST(transport->stats().exchanges == 1000u);
    BOOST_TEST(server.connections() <= 20u);
    BOOST_TEST(transport->stats().openConnections == server.connections());
}

BOOST_AUTO_TEST_SUITE_END()
