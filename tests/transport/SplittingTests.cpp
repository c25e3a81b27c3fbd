#include "Certificates.h"
#include "Support.h"

#include <map>

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
const std::string forged = "HTTP/1.1 200 OK\r\nX-Forged: 1\r\nContent-Length: 6\r\n\r\nforged";

/// What a server sends for the first request of a connection; nothing of it may reach the second.
struct First
{
    std::string name;
    std::string method;
    std::string bytes;
    std::string outcome;   ///< its body, or the type of the error
    bool clean = false;    ///< the connection may be used again
    std::string late = {}; ///< sent once the first exchange is over
};

std::string chunksOf(const std::string& data, const std::string& end = "0\r\n\r\n")
{
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    return chunked + size + data + "\r\n" + end;
}

std::vector<First> firsts()
{
    return {
        {"nothing wrong", "GET", answer("fine"), "fine", true},
        {"nothing wrong, in chunks", "GET", chunksOf("fine"), "fine", true},
        {"a whole answer behind the length", "GET", answer("fine") + forged, "fine"},
        {"one byte behind the length", "GET", answer("fine") + "\n", "fine"},
        {"an answer behind the last chunk", "GET", chunksOf("fine") + forged, "fine"},
        {"an answer behind the trailers", "GET", chunksOf("fine", "0\r\nX: y\r\n\r\n") + forged, "fine"},
        {"another last chunk", "GET", chunksOf("fine") + "0\r\n\r\n", "fine"},
        {"a body behind HEAD", "HEAD", answer(forged), ""},
        {"chunks behind HEAD", "HEAD", chunksOf(forged), ""},
        {"a body behind 204", "GET", "HTTP/1.1 204 No Content\r\n\r\n" + forged, ""},
        {"a body of a length behind 204", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\n", "", false, forged},
        {"chunks behind 204", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "", false, forged},
        {"a body behind 304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n" + forged, ""},
        {"an answer that comes late", "GET", answer("fine"), "fine", false, forged},
        {"a byte that comes late", "GET", answer("fine"), "fine", false, "\r"},
        {"a body behind HEAD that comes late", "HEAD", answer(""), "", false, forged},
        {"two lengths", "GET", ok + "Content-Length: 0\r\nContent-Length: 98\r\n\r\n" + forged, "ProtocolError"},
        {"a length and chunks", "GET", ok + "Content-Length: 98\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + forged,
         "ProtocolError"},
        {"a coding that hides chunks", "GET", ok + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + forged,
         "ProtocolError"},
        {"a folded length", "GET", ok + "X: y\r\n Content-Length: 98\r\nContent-Length: 0\r\n\r\n" + forged, "ProtocolError"},
        {"a length behind LF alone", "GET", ok + "X: y\nContent-Length: 0\r\n\r\n" + forged, "ProtocolError"},
        {"a head that ends with LF alone", "GET", ok + "Content-Length: 0\r\n\n" + forged, "ProtocolError"},
        {"a size that overflows", "GET", chunked + "10000000000000000\r\n" + forged, "ProtocolError"},
        {"an extension that hides a line", "GET", chunked + "1;a=\"\n0\n\n" + forged + "\"\r\nx\r\n0\r\n\r\n", "ProtocolError"},
        {"an interim response with content", "GET",
         "HTTP/1.1 100 Continue\r\nContent-Length: 67\r\n\r\n" + forged + answer("fine"), "ProtocolError"},
        {"101", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + forged, "ProtocolError"},
        {"a length in the trailers", "GET", chunksOf("x", "0\r\nContent-Length: 98\r\n\r\n") + forged, "ProtocolError"},
        {"HTTP/1.0 with chunks", "GET",
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + forged, "ProtocolError"},
        {"HTTP/1.0 that speaks of the proxy's connection", "GET",
         "HTTP/1.0 200 OK\r\nProxy-Connection: keep-alive\r\nContent-Length: 4\r\n\r\nfine", "fine"},
    };
}

/// The first exchange of each connection gets `first`, every other a right answer that says which request it answers.
class Splitter
{
public:
    Splitter(const First& first, SSL_CTX* tls)
        : _server(
              [this, first](Peer& peer) {
                  std::string text = peer.readRequest();
                  if (peer.index == 0 && !text.empty()) {
                      peer.send(first.bytes);
                      if (!first.late.empty()) {
                          eventually([&] { return _firstIsOver || peer.ended; });
                          deliver(peer, first.late);
                          _lateIsThere = true;
                      }
                      text = peer.readRequest();
                  }
                  for (; !text.empty(); text = peer.readRequest()) peer.send(answer(text.substr(4, text.find(' ', 4) - 4)));
              },
              tls)
    {}

    std::string url(const std::string& target) const { return _server.url(target); }
    void sendLate()
    {
        _firstIsOver = true;
        BOOST_REQUIRE(eventually([this] { return _lateIsThere.load(); }));
    }

private:
    std::atomic<bool> _firstIsOver{false};
    std::atomic<bool> _lateIsThere{false};
    RawServer _server;
};

std::string outcomeOf(Transport& transport, Exchange& exchange)
{
    try {
        return bodyOf(transport.exchange(exchange));
    } catch (const Error& error) {
        return error.name();
    }
}

void checkAll(SSL_CTX* tls, const TransportOptions& options)
{
    for (const First& first : firsts()) {
        BOOST_TEST_CONTEXT(first.name)
        {
            Splitter server(first, tls);
            const auto transport = Transport::create(options);
            Exchange dubious = request(first.method, server.url("/first"));
            BOOST_TEST(outcomeOf(*transport, dubious) == first.outcome);
            if (!first.late.empty()) server.sendLate();
            for (const char* target : {"/second", "/third"}) {
                Exchange next = request("GET", server.url(target));
                BOOST_TEST(outcomeOf(*transport, next) == target);
                BOOST_TEST(next.attempt.reusedConnection == (first.clean || target[1] == 't'));
            }
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(SplittingTests)

BOOST_AUTO_TEST_CASE(nothing_of_one_answer_reaches_the_next_exchange)
{
    checkAll(nullptr, {});
    BOOST_TEST_MESSAGE("response splitting cases: " << 2 * firsts().size());
}

BOOST_AUTO_TEST_CASE(nor_does_it_over_tls)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    TransportOptions options;
    options.tls.caFile = authority.file();
    checkAll(context.get(), options);
}

BOOST_AUTO_TEST_CASE(a_dropped_answer_leaves_nothing_behind_either)
{
    // Nobody reads the body: what is drained ends where the message ends, not where the bytes end.
    for (const First& first : firsts()) {
        if (first.outcome == "ProtocolError") continue;
        BOOST_TEST_CONTEXT(first.name)
        {
            Splitter server(first, nullptr);
            const auto transport = Transport::create();
            Exchange dubious = request(first.method, server.url("/first"));
            transport->exchange(dubious);
            if (!first.late.empty()) server.sendLate();
            Exchange next = request("GET", server.url("/second"));
            BOOST_TEST(outcomeOf(*transport, next) == "/second");
            BOOST_TEST(next.attempt.reusedConnection == first.clean);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_keep_alive_field_leaves_a_sound_idle_time)
{
    const std::map<std::string, bool> fields = {{"timeout=60", true},
                                                {"timeout=2, max=7", true},
                                                {"max=7", true},
                                                {"timeout=", true},
                                                {"timeout=x", true},
                                                {"timeout=99999999999999999999", true},
                                                {"timeout=9223372036854775807", true},
                                                {"timeout=0", false},
                                                {"timeout=1", false},
                                                {"timeout=-1", false},
                                                {"timeout=-9223372036854775808", false}};
    for (const auto& [value, kept] : fields) {
        RawServer server(always(answer("x", "Keep-Alive: " + value + "\r\n")));
        const auto transport = Transport::create();
        Exchange exchange = request("GET", server.url());
        BOOST_TEST(bodyOf(transport->exchange(exchange)) == "x");
        BOOST_TEST(transport->stats().idleConnections == (kept ? 1u : 0u), value);
    }
}

BOOST_AUTO_TEST_SUITE_END()
