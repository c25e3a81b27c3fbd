#include "FullBacklog.h"
#include "Support.h"
#include "support/OpenDescriptors.h"

#include "transport/Connector.h"
#include "transport/PocoTransport.h"

#include <Poco/Net/IPAddress.h>
#include <fcntl.h>
#include <netinet/tcp.h>

using namespace tollgate;
using namespace tollgate::transport;
using namespace tollgate::transport::test;

namespace {

using Addresses = Resolver::Addresses;

Addresses addresses(const std::vector<std::string>& texts)
{
    Addresses all;
    for (const std::string& text : texts) all.emplace_back(text);
    return all;
}

/// A transport for which every name has these addresses.
std::shared_ptr<Transport> transportTo(const Addresses& all, std::chrono::milliseconds connectTimeout = 20s)
{
    TransportOptions options;
    options.connectTimeout = connectTimeout;
    return std::make_shared<PocoTransport>(options, [all](const std::string&) -> Resolver::Answer { return {all, ""}; });
}

std::string urlAt(unsigned short port) { return "http://many.test:" + std::to_string(port) + "/"; }

unsigned short freePort()
{
    return RawServer([](Peer&) {}).port();
}

} // namespace

BOOST_AUTO_TEST_SUITE(RacingTests)

BOOST_AUTO_TEST_CASE(a_dead_first_address_costs_the_attempt_delay)
{
    RawServer server(always(answer("second")));
    const FullBacklog dead("127.0.0.2", server.port());
    // Its share of the connect timeout would be ten seconds.
    const auto transport = transportTo(addresses({"127.0.0.2", "127.0.0.1"}));
    Exchange exchange = request("GET", urlAt(server.port()));
    BOOST_TEST(bodyOf(transport->exchange(exchange)) == "second");
    BOOST_TEST(exchange.attempt.address == "127.0.0.1:" + std::to_string(server.port()));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(exchange.attempt.connect);
    BOOST_TEST_MESSAGE("a dead first address cost " << took.count() << " ms");
    BOOST_TEST(took.count() >= 250);
    BOOST_TEST(took.count() < 5000);
}

BOOST_AUTO_TEST_CASE(after_a_refusal_the_next_one_starts_at_once)
{
    RawServer server(always(answer("third")));
    Duration quickest = Duration::max();
    for (int i = 0; i < 5 && quickest >= 250ms; ++i) // on a busy machine one of them is quick
    {
        const auto transport = transportTo(addresses({"127.0.0.3", "127.0.0.4", "127.0.0.1"}));
        Exchange exchange = request("GET", urlAt(server.port()));
        BOOST_TEST(bodyOf(transport->exchange(exchange)) == "third");
        quickest = std::min(quickest, exchange.attempt.connect);
    }
    BOOST_CHECK(quickest < 250ms);
}

BOOST_AUTO_TEST_CASE(a_refusal_does_not_wait_for_a_silent_one)
{
    RawServer server(always(answer("third")));
    const FullBacklog dead("127.0.0.2", server.port());
    for (const std::string refused : {"127.0.0.3", "255.255.255.255"}) { // the latter by our own kernel, without a wait
        Duration quickest = Duration::max();
        for (int i = 0; i < 5 && quickest >= 500ms; ++i) {
            const auto transport = transportTo(addresses({"127.0.0.2", refused, "127.0.0.1"}));
            Exchange exchange = request("GET", urlAt(server.port()));
            BOOST_TEST(bodyOf(transport->exchange(exchange)) == "third");
            quickest = std::min(quickest, exchange.attempt.connect);
        }
        BOOST_CHECK(quickest < 500ms); // one delay, not two
    }
}

BOOST_AUTO_TEST_CASE(an_earlier_attempt_goes_on_beside_the_later_ones)
{
    RawServer server(always(answer("slow but there")));
    const auto dead = std::make_unique<FullBacklog>("127.0.0.2", server.port());
    auto slow = std::make_unique<FullBacklog>("127.0.0.5", server.port());
    // Once the first black hole is gone, its next SYN is refused, a second or three after the first one: so the attempt was still
    // there.
    const auto transport = transportTo(addresses({"127.0.0.5", "127.0.0.2"}), 3500ms);
    std::thread opener([&] {
        std::this_thread::sleep_for(400ms);
        slow.reset();
    });
    Exchange exchange = request("GET", urlAt(server.port()));
    const auto error = errorOf<Timeout>([&] { transport->exchange(exchange); });
    opener.join();
    const std::string& message = error->details().message;
    BOOST_TEST(message.find("127.0.0.5:" + std::to_string(server.port()) + ": Connection refused") != std::string::npos, message);
    BOOST_TEST(message.find("127.0.0.2:" + std::to_string(server.port()) + ": no answer") != std::string::npos, message);
}

BOOST_AUTO_TEST_CASE(families_take_turns_and_each_address_is_named)
{
    const unsigned short port = freePort();
    const auto transport = transportTo(addresses({"127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "::1"}));
    Exchange exchange = request("GET", urlAt(port));
    const auto error = errorOf<ConnectError>([&] { transport->exchange(exchange); });
    BOOST_CHECK(error->delivery() == Delivery::NotSent);
    std::size_t at = 0;
    for (const std::string ip : {"127.0.0.1", "[::1]", "127.0.0.2", "[::1]", "127.0.0.3"}) {
        const std::size_t found = error->details().message.find(ip + ":" + std::to_string(port) + ": ", at + 1);
        BOOST_TEST(found != std::string::npos, ip << " in: " << error->details().message);
        at = found;
    }
}

BOOST_AUTO_TEST_CASE(when_all_are_silent_the_timeout_names_them)
{
    const unsigned short port = freePort();
    const FullBacklog one("127.0.0.2", port), two("127.0.0.3", port), three("127.0.0.4", port), four("127.0.0.5", port);
    const auto transport = transportTo(addresses({"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"}), 600ms);
    Exchange exchange = request("GET", urlAt(port));
    const auto error = errorOf<Timeout>([&] { transport->exchange(exchange); });
    const std::string& message = error->details().message;
    BOOST_TEST(message.find("connectTimeout") != std::string::npos, message);
    for (const std::string ip : {"127.0.0.2", "127.0.0.3"})
        BOOST_TEST(message.find(ip + ":" + std::to_string(port) + ": no answer") != std::string::npos, message);
    BOOST_TEST(message.find("127.0.0.5") == std::string::npos, message); // its turn would have come after 750 ms
    Exchange late = request("GET", urlAt(port));
    late.deadline = std::chrono::steady_clock::now() + 1s;
    const auto tooLate = errorOf<Timeout>([&] { transport->exchange(late); });
    BOOST_TEST(tooLate->details().message.find("127.0.0.2") != std::string::npos, tooLate->what());
}

BOOST_AUTO_TEST_CASE(losers_are_closed_and_a_cancelled_race_too)
{
    RawServer server(always(answer("winner")));
    const FullBacklog dead("127.0.0.2", server.port());
    const Origin origin = Url(urlAt(server.port())).origin();
    const tests::OpenDescriptors before;
    {
        Watch watch(never, {});
        PhaseLimit limit(Phase::Connect, 20s);
        const auto connection = connect(origin, addresses({"127.0.0.2", "127.0.0.1"}), server.port(), watch, limit);
        BOOST_TEST(connection->address() == "127.0.0.1:" + std::to_string(server.port()));
    }
    BOOST_TEST(before.leaked() == "");
    CancellationSource source;
    std::thread canceller([&] {
        std::this_thread::sleep_for(50ms);
        source.cancel();
    });
    errorOf<Cancelled>([&] {
        Watch watch(never, source.token());
        PhaseLimit limit(Phase::Connect, 20s);
        connect(origin, addresses({"127.0.0.2"}), server.port(), watch, limit);
    });
    canceller.join();
    BOOST_TEST(before.leaked() == "");
}

BOOST_AUTO_TEST_CASE(a_connection_is_kept_alive_and_closed_on_exec)
{
    RawServer server([](Peer& peer) { peer.readToEnd(); });
    Watch watch(never, {});
    PhaseLimit limit(Phase::Connect, 20s);
    const auto connection = connect(Url(server.url()).origin(), addresses({"127.0.0.1"}), server.port(), watch, limit);
    const auto option = [&](int level, int name) {
        int value = 0;
        socklen_t size = sizeof value;
        BOOST_TEST(::getsockopt(connection->descriptor(), level, name, &value, &size) == 0);
        return value;
    };
    BOOST_TEST(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
    BOOST_TEST(option(IPPROTO_TCP, TCP_NODELAY) == 1);
    BOOST_TEST((::fcntl(connection->descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    BOOST_TEST((::fcntl(connection->descriptor(), F_GETFL) & O_NONBLOCK) != 0);
}

BOOST_AUTO_TEST_SUITE_END()
