#include "transport/ResponseReader.h"

#include "Support.h"
#include "transport/ContentDecoder.h"

#include "tollgate/Error.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

using namespace tollgate;
using namespace tollgate::fuzz;
using namespace tollgate::transport;

namespace {

struct Options : TransportOptions
{
    Options() { maxHeadBytes = 1024; }
};
const Options options;
const Origin origin = Url("http://api.example.com").origin();

/// What the codec alone makes of the bytes, all at once.
struct Expected
{
    bool complete = false;
    bool byItself = false; ///< without the end of the connection
    bool keepAlive = false;
    int status = 0;
    std::size_t taken = 0;
    std::string body;
};

Expected expect(std::string_view bytes, bool answersHead)
{
    Expected expected;
    ResponseCodec codec(options.maxHeadBytes);
    if (answersHead) codec.answersHead();
    char output[512];
    try {
        while (!codec.complete()) {
            const char* rest = bytes.data() + expected.taken;
            std::size_t taken = 0;
            if (!codec.headComplete())
                taken = codec.feedHead(rest, bytes.size() - expected.taken);
            else {
                const auto piece = codec.feedBody(rest, bytes.size() - expected.taken, output, sizeof output);
                taken = piece.consumed;
                expected.body.append(output, piece.produced);
            }
            expected.taken += taken;
            if (codec.headComplete()) expected.status = codec.status();
            if (taken > 0 || codec.complete()) continue;
            codec.end();
            expected.complete = true;
        }
        expected.byItself = !expected.complete;
        expected.complete = true;
        expected.keepAlive = codec.keepAlive();
    } catch (const Error&) {
    }
    return expected;
}

/// The server's end of the connection.
struct Server
{
    ~Server() { ::close(descriptor); }
    void send(std::string_view bytes) const
    {
        if (!bytes.empty()) ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    int descriptor;
};

struct Outcome
{
    int status = 0; ///< 0 before the head
    std::string body;
    bool hasIdleTime = false; ///< the server says how long it keeps the connection
    bool failed = false;
};

/// How a caller goes about a response.
struct Manner
{
    explicit Manner(std::uint8_t flags)
        : answersHead((flags & 1) != 0)
        , decodes((flags & 2) != 0)
        , readsAll((flags & 4) != 0)
        , leavesEarly((flags & 8) != 0)
        , surplusComesLater((flags & 16) != 0)
    {}
    bool answersHead, decodes, readsAll, leavesEarly, surplusComesLater;
};

/// Reads the response off a connection on which the bytes arrive in pieces, as long as its head is not complete.
Outcome read(const std::shared_ptr<ConnectionPool>& pool, int client, const Server& server, std::string_view bytes, bool thenEnds,
             std::uint8_t seed, const Manner& manner)
{
    Outcome outcome;
    auto reader = std::make_shared<ResponseReader>(options, never, CancellationToken());
    if (manner.answersHead) reader->answersHead();
    reader->lease() = pool->acquire(origin, reader->watch());
    require(!reader->lease(), "a pool without connections has none to lend");
    reader->lease().fill(std::make_unique<Connection>(client, origin, "socketpair"));

    Pieces arriving(seed), capacities(static_cast<std::uint8_t>(seed ^ 0xa5));
    try {
        for (bool headSeen = false; !headSeen && !bytes.empty();) {
            const std::size_t size = arriving.next(bytes.size());
            server.send(bytes.substr(0, size));
            bytes.remove_prefix(size);
            headSeen = reader->lookForHead();
        }
        server.send(bytes);
        if (thenEnds) ::shutdown(server.descriptor, SHUT_WR);
        ResponseHead head = reader->readHead();
        outcome.status = head.status;
        outcome.hasIdleTime = head.headers.has("Keep-Alive");
        const BodySourcePtr body =
            manner.decodes && !reader->finished() ? decoded(head, reader, options.maxBodyBytes) : BodySourcePtr(reader);
        if (manner.readsAll) {
            body->readAll(outcome.body);
            return outcome;
        }
        char buffer[512];
        for (int i = 0; !manner.leavesEarly || i < seed % 4; ++i) {
            const std::size_t count = body->read(buffer, std::max<std::size_t>(capacities.next(sizeof buffer), 1));
            if (count == 0) break;
            outcome.body.append(buffer, count);
        }
    } catch (const Error&) {
        outcome.failed = true;
        if (outcome.status == 0) reader->abandon(); // as the transport does
    }
    return outcome;
}

} // namespace

/// One byte for the pieces, one for the manner of reading, then what the server sends.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2 || size > 4096) return -1;
    const Manner manner(data[1]);
    const std::string_view bytes = textOf(data + 2, size - 2);
    const Expected expected = expect(bytes, manner.answersHead);
    // A response that wants more must not be waited for.
    const bool thenEnds = !expected.byItself;
    const std::size_t now = manner.surplusComesLater && expected.byItself ? expected.taken : bytes.size();

    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0, "there are descriptors");
    const Server server{ends[1]};
    const auto pool = std::make_shared<ConnectionPool>(options);
    const Outcome outcome = read(pool, ends[0], server, bytes.substr(0, now), thenEnds, data[0], manner);
    server.send(bytes.substr(now));

    const bool readWhole = manner.readsAll || !manner.leavesEarly;
    if (!manner.decodes) {
        require(outcome.failed ? !expected.complete : expected.complete || !readWhole,
                "a response is refused as its codec refuses it");
        require(outcome.status == 0 || outcome.status == expected.status, "the status is the codec's");
        const std::size_t both = std::min(outcome.body.size(), expected.body.size());
        require(outcome.body.compare(0, both, expected.body, 0, both) == 0, "what was read is the body's beginning");
        require(!expected.complete || outcome.body.size() <= expected.body.size(), "no more than the body is read");
        require(outcome.failed || !readWhole || outcome.body == expected.body, "a body is read whole");
    }

    Watch watch(never, CancellationToken());
    const Lease next = pool->acquire(origin, watch);
    const bool clean = expected.byItself && expected.keepAlive && expected.taken == bytes.size();
    require(!next || clean, "no byte of one response reaches the next");
    require(next || !clean || outcome.failed || !readWhole || outcome.hasIdleTime, "a clean connection is kept");
    return 0;
}
