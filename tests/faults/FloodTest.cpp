#include "FaultServer.h"
#include "Runner.h"

#include "tollgate/Transport.h"

#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <stdexcept>

using namespace tollgate;
using namespace tollgate::faults;
using namespace tollgate::transport::test;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;

constexpr auto amply = 15s;
constexpr std::uint64_t bodyCap = 1024 * 1024;

/// What comes without end, as fast as the client takes it.
struct Flood
{
    enum class Kind
    {
        Text,    ///< `piece` again and again
        Tickets, ///< TLS 1.3 session tickets: records that bring the caller nothing
        KeyUpdates
    };
    std::string name;
    std::string before; ///< sent once
    std::string piece;
    Expectation expected;
    Kind kind = Kind::Text;
    bool drop = false;          ///< the caller takes the head and lets go of the answer
    bool byReadTimeout = false; ///< that ends it, and no deadline
};

Expectation failure(const char* error, Delivery delivery)
{
    Expectation expectation;
    expectation.errors = {error};
    expectation.deliveries = {delivery};
    expectation.waits = expectation.errors.count("Timeout") > 0;
    return expectation;
}

Expectation success(const std::string& body)
{
    Expectation expectation;
    expectation.body = body;
    return expectation;
}

/// The beginning of a gzip stream of zeroes, or what may follow it again and again.
std::string gzippedZeroes(bool beginning)
{
    z_stream stream{};
    if (::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("no zlib");
    std::string zeroes(64 * 1024, '\0'), output;
    for (int round = 0; round < (beginning ? 1 : 2); ++round) {
        output.resize(1024);
        stream.next_in = reinterpret_cast<Bytef*>(zeroes.data());
        stream.avail_in = static_cast<uInt>(zeroes.size());
        stream.next_out = reinterpret_cast<Bytef*>(output.data());
        stream.avail_out = static_cast<uInt>(output.size());
        ::deflate(&stream, Z_SYNC_FLUSH);
        output.resize(output.size() - stream.avail_out);
    }
    ::deflateEnd(&stream);
    return output;
}

std::vector<Flood> floods()
{
    const std::string head = "HTTP/1.1 200 OK\r\n";
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    const auto early = Delivery::MaybeProcessed, late = Delivery::Answered;
    const auto tooLarge = [](Delivery delivery) { return failure("ResponseTooLarge", delivery); };
    const auto invalid = [](Delivery delivery) { return failure("ProtocolError", delivery); };
    std::vector<Flood> all = {
        {"of nothing but line ends", "", "\r\n", invalid(early)},
        {"in the version", "HTTP/1.", "1", tooLarge(early)},
        {"in the reason phrase", "HTTP/1.1 200 ", "very ", tooLarge(early)},
        {"in a field's name", head, "X", tooLarge(early)},
        {"in a field's value", head + "X-Long: ", "x", tooLarge(early)},
        {"of spaces in a field's value", head + "X-Long: ", " ", tooLarge(early)},
        {"of fields", head, "A: b\r\n", tooLarge(early)},
        {"of interim answers", "", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", invalid(early)},
        {"of 100 (Continue)", "", "HTTP/1.1 100 Continue\r\n\r\n", invalid(early)},
        {"in a body until the connection's end", head + "\r\n", "x", tooLarge(late)},
        {"in a body of false length", head + "Content-Length: 9000000000000000000\r\n\r\n", "x", tooLarge(late)},
        {"of chunks", chunked, "1\r\nx\r\n", tooLarge(late)},
        {"in one chunk", chunked + "7fffffffffffffff\r\n", "x", tooLarge(late)},
        {"of leading zeroes in a chunk size", chunked, "0", tooLarge(late)},
        {"in a chunk extension", chunked + "1;", "a", tooLarge(late)},
        {"of chunk extensions", chunked, "1;a=b;c=d\r\nx\r\n", tooLarge(late)},
        {"of trailers", chunked + "0\r\n", "A: b\r\n", tooLarge(late)},
        {"in a trailer", chunked + "0\r\nA: ", "b", tooLarge(late)},
        {"of zeroes, gzipped", head + "Content-Encoding: gzip\r\n\r\n" + gzippedZeroes(true), gzippedZeroes(false),
         tooLarge(late)},
        {"behind the answer", answerOf(Framing::Length), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", success(bodyText())},
        {"of line ends behind the answer", answerOf(Framing::Length), "\r\n", success(bodyText())}};
    for (const char* where : {"in a body until the connection's end", "of chunks", "in a chunk extension", "of trailers"}) {
        Flood dropped = *std::find_if(all.begin(), all.end(), [where](const Flood& each) { return each.name == where; });
        dropped.name += ", the answer is dropped";
        dropped.drop = true;
        dropped.expected = success("");
        all.push_back(std::move(dropped));
    }
    const auto patient = [](Delivery delivery) { return failure("Timeout", delivery); };
    using Kind = Flood::Kind;
    const std::string begun = head + "Content-Length: 10\r\n\r\nxxx";
    all.push_back({"of tickets before the answer", "", "", patient(early), Kind::Tickets});
    all.push_back({"of key updates before the answer", "", "", patient(early), Kind::KeyUpdates});
    all.push_back({"of key updates in the head", head, "", patient(early), Kind::KeyUpdates});
    all.push_back({"of key updates in the body", begun, "", patient(late), Kind::KeyUpdates});
    all.push_back({"of key updates in the body, the answer is dropped", begun, "", success(""), Kind::KeyUpdates, true});
    for (const char* where : {"of key updates before the answer", "of key updates in the head", "of key updates in the body"}) {
        Flood timed = *std::find_if(all.begin(), all.end(), [where](const Flood& each) { return each.name == where; });
        timed.name += ", read timeout";
        timed.byReadTimeout = true;
        all.push_back(std::move(timed));
    }
    all.push_back({"of tickets behind the answer", answerOf(Framing::Length), "", success(bodyText()), Flood::Kind::Tickets});
    return all;
}

/// Many records that bring the caller nothing, behind what comes before them. They are made in advance: a client takes them in
/// faster than they can be made, and so would have time to look at the clock.
std::string recordsOf(const Flood& flood, SSL* ssl)
{
    BIO* const wire = SSL_get_wbio(ssl);
    BIO_up_ref(wire);
    BIO* const memory = BIO_new(BIO_s_mem());
    SSL_set0_wbio(ssl, memory);
    bool good = flood.before.empty() || SSL_write(ssl, flood.before.data(), static_cast<int>(flood.before.size())) > 0;
    const bool tickets = flood.kind == Flood::Kind::Tickets;
    for (int i = 0; good && i < (tickets ? 20'000 : 80'000); ++i)
        good = (tickets ? SSL_new_session_ticket(ssl) : SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED)) == 1 &&
               SSL_do_handshake(ssl) == 1;
    std::string records(BIO_ctrl_pending(memory), 0);
    BIO_read(memory, records.data(), static_cast<int>(records.size()));
    SSL_set0_wbio(ssl, wire);
    if (!good) throw std::runtime_error("the records cannot be made");
    return records;
}

/// The first connection meets the flood, the later ones are served soundly.
class FloodServer
{
public:
    FloodServer(const Flood& flood, SSL_CTX* context) : _flood(flood), _server([this](Peer& peer) { script(peer); }, context) {}

    std::string url() const { return _server.url(); }
    bool ready() const { return _ready; }

private:
    void script(Peer& peer)
    {
        if (peer.index == 0 && _flood.kind == Flood::Kind::Text) {
            if (!peer.readRequest().empty()) pour(peer);
            return;
        }
        while (!peer.readRequest().empty() && peer.send(answerOf(Framing::Length))) {
            if (peer.index > 0) continue;
            const std::string records = recordsOf(_flood, peer.ssl());
            _ready = true;
            if (!peer.readRequest().empty()) pourRaw(peer, records);
            return;
        }
    }

    void pour(Peer& peer) const
    {
        std::string block;
        while (block.size() < 32 * 1024) block += _flood.piece;
        // At once: what comes behind an answer is noticed if it comes with it, or before the next request. A moment later nobody
        // can tell it from the next answer.
        if (!peer.send(_flood.before + block)) return;
        while (!peer.ended && peer.send(block)) {
        }
    }

    static void pourRaw(const Peer& peer, std::string_view records)
    {
        pollfd client{peer.descriptor(), POLLOUT, 0};
        while (!records.empty() && !peer.ended && ::poll(&client, 1, 20'000) > 0) {
            const ssize_t count = ::send(peer.descriptor(), records.data(), records.size(), MSG_NOSIGNAL);
            if (count < 0 && errno != EAGAIN) return;
            if (count > 0) records.remove_prefix(static_cast<std::size_t>(count));
        }
        client.events = POLLRDHUP;
        while (!peer.ended && ::poll(&client, 1, 20) == 0) {
        }
    }

    const Flood& _flood;
    std::atomic<bool> _ready{false};
    RawServer _server;
};

std::string tryFlood(const std::string& name, const Flood& flood, SSL_CTX* context, const std::string& caFile)
{
    // Their making takes all of a core, and others have deadlines to meet.
    static std::mutex onlyOne;
    std::unique_lock<std::mutex> alone(onlyOne, std::defer_lock);
    if (flood.kind != Flood::Kind::Text) alone.lock();

    const FloodServer server(flood, context);
    TransportOptions options;
    options.tls.caFile = caFile;
    options.connectTimeout = options.tlsTimeout = options.writeTimeout = 20s;
    options.readTimeout = flood.byReadTimeout ? shortDeadline : 20s;
    options.maxBodyBytes = bodyCap;
    const TransportPtr transport = Transport::create(options);
    const auto get = [&](TimePoint deadline, bool drop) {
        Exchange exchange;
        exchange.method = "GET";
        exchange.url = Url(server.url());
        exchange.deadline = deadline;
        std::string text;
        const Response response = transport->exchange(exchange);
        if (!drop) response.source()->readAll(text);
        return text;
    };
    if (flood.kind != Flood::Kind::Text) {
        if (get(Steady::now() + amply, false) != bodyText()) return "no warm connection";
        if (!eventually([&] { return server.ready(); })) return "the server has no records ready";
    }
    // Who drops an answer does not wait for its end.
    const TimePoint bound = Steady::now() + (flood.expected.waits || flood.drop ? shortDeadline : Duration(amply));
    const TimePoint deadline = flood.expected.waits && !flood.byReadTimeout ? bound : Steady::now() + amply;
    const Ending ending = outcomeOf(bound, [&] { return get(deadline, flood.drop); });
    if (flood.expected.waits) Figures::all().overran(name, ending.overrun);
    if (std::string wrong = difference(flood.expected, ending); !wrong.empty()) return wrong;
    const TransportStats stats = transport->stats();
    if (stats.openConnections != stats.idleConnections) return "a connection is still lent";
    if (stats.idleConnections > 0 && !ending.error.empty()) return "a broken connection is kept";
    const Ending next = outcomeOf(Steady::now() + amply, [&] { return get(Steady::now() + amply, false); });
    return next.error.empty() && next.text == bodyText() ? "" : "the next request failed: " + next.error + " " + next.text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(FloodTest)

BOOST_AUTO_TEST_CASE(each_flood_ends_by_a_cap_or_at_the_deadline)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    std::vector<Trial> trials;
    for (const bool overTls : {false, true})
        for (const Flood& flood : floods()) {
            if (!overTls && flood.kind != Flood::Kind::Text) continue;
            const std::string name = std::string(overTls ? "https" : "http") + ", flood " + flood.name;
            trials.push_back({name, flood.expected.waits || flood.drop, [&, name, flood, overTls] {
                                  return tryFlood(name, flood, overTls ? context.get() : nullptr, authority.file());
                              }});
        }
    report(runAll(std::move(trials)));
}

BOOST_AUTO_TEST_SUITE_END()
