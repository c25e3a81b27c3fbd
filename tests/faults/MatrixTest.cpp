#include "FaultServer.h"
#include "Runner.h"

#include "tollgate/Client.h"
#include "tollgate/Transport.h"

#include <boost/test/unit_test.hpp>

#include <iostream>

using namespace tollgate;
using namespace tollgate::faults;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;

constexpr auto amply = 15s; // for what does not wait: a busy machine must not change its outcome

struct Tls
{
    transport::test::Authority authority;
    transport::test::ServerContext context = authority.serve("IP:127.0.0.1");
};

TransportPtr makeTransport(const Tls& tls)
{
    TransportOptions options;
    options.tls.caFile = tls.authority.file();
    options.connectTimeout = options.tlsTimeout = options.writeTimeout = options.readTimeout =
        20s; // the deadline is what ends calls
    return Transport::create(options);
}

RequestBodyPtr bodyFor(const Case& each)
{
    const bool goesThrough = each.place == Place::Answer || (each.place == Place::Accept && each.fault != Fault::Stall);
    const std::size_t size = goesThrough ? 256 * 1024 : 12 * 1024 * 1024; // at once, or when it is sent again
    switch (each.ask) {
    case Ask::Get: return nullptr;
    case Ask::Post: return textBody("a small body");
    case Ask::Upload: return largeBody(size, true);
    case Ask::Streamed: return largeBody(size, false);
    }
    return nullptr;
}

std::string exchange(Transport& transport, const FaultServer& server, const std::string& target, TimePoint deadline,
                     RequestBodyPtr body = nullptr)
{
    Exchange exchange;
    exchange.method = body ? "POST" : "GET";
    exchange.url = Url(server.url(target));
    exchange.body = std::move(body);
    exchange.deadline = deadline;
    std::string text;
    transport.exchange(exchange).source()->readAll(text);
    return text;
}

/// The transport alone: error, delivery, deadline, pool, and the next request.
std::string tryTransport(const Case& each, const Tls& tls)
{
    const Expectation expected = expect(each);
    FaultServer server(each, tls.context.get());
    const TransportPtr transport = makeTransport(tls);
    if (each.reused && exchange(*transport, server, "/warm", Steady::now() + amply) != bodyText()) return "no warm connection";
    if (each.place == Place::Idle && !eventually([&] { return server.faulted(); })) return "the server did not do its fault";

    const TimePoint deadline = Steady::now() + (expected.waits ? shortDeadline : Duration(amply));
    const Ending outcome = outcomeOf(deadline, [&] { return exchange(*transport, server, "/fault", deadline, bodyFor(each)); });
    std::string wrong = difference(expected, outcome);
    if (expected.waits) Figures::all().overran(each.name, outcome.overrun);
    if (wrong.empty() && !outcome.error.empty() && outcome.delivery == Delivery::NotSent && server.seen() > 0)
        wrong = "the server saw what was NotSent";
    if (!wrong.empty()) return wrong;

    const TransportStats stats = transport->stats();
    if (stats.openConnections != stats.idleConnections) return "a connection is still lent";
    if (stats.idleConnections > (outcome.error.empty() ? 1u : 0u)) return "a broken connection is kept";
    if (outcome.error.empty() && !eventually([&] { return server.faulted(); })) return "the server did not do its fault";
    const Ending next =
        outcomeOf(Steady::now() + amply, [&] { return exchange(*transport, server, "/next", Steady::now() + amply); });
    return next.error.empty() && next.text == bodyText() ? "" : "the next request failed: " + next.error + " " + next.text;
}

/// Through a client: what may be repeated is, and nothing else.
std::string tryClient(const Case& each, const Tls& tls)
{
    const Expectation expected = expect(each);
    FaultServer server(each, tls.context.get());
    RetryPolicy policy;
    policy.attempts = 2;
    policy.baseDelay = 1ms;
    const Client client = Client::to(server.url("")).transport(makeTransport(tls)).retry(policy).timeout(amply).build();
    if (each.reused && client.get("/warm").send().body() != bodyText()) return "no warm connection";
    if (each.place == Place::Idle && !eventually([&] { return server.faulted(); })) return "the server did not do its fault";

    Request request = each.ask == Ask::Get ? client.get("/fault") : client.post("/fault");
    if (const auto body = bodyFor(each)) request.body(body, "text/plain");
    const TimePoint deadline = Steady::now() + (expected.waits ? shortDeadline : Duration(amply));
    request.deadline(deadline);
    const Ending outcome = outcomeOf(deadline, [&] { return std::string(request.send().body()); });

    const bool get = each.ask == Ask::Get;
    if (!get && server.seen() > 1) return "the server saw a POST " + std::to_string(server.seen()) + " times";
    if (!get && outcome.delivery == Delivery::NotSent && !outcome.error.empty() && server.seen() > 0)
        return "the server saw what was NotSent";
    // A connection that was lost before the answer began to count may be tried again: always if nothing left, else for a GET.
    const bool lost = expected.errors.count("ConnectionLost") > 0 && !each.inHandshake();
    const bool early = expected.deliveries.count(Delivery::Answered) == 0;
    if (lost && early && get) {
        if (!outcome.error.empty()) return "not repeated: " + outcome.error + " " + outcome.text;
        if (each.place != Place::Accept && server.seen() != 2)
            return "the server saw it " + std::to_string(server.seen()) + " times";
        return outcome.text == bodyText() ? "" : "wrong body";
    }
    if (each.place == Place::Accept && lost && outcome.error.empty()) return {}; // nothing had left, so it was sent again
    if (each.inHandshake() && outcome.error.empty()) return {};                  // neither
    Expectation once = expected;
    once.stale = outcome.stale;
    if (std::string wrong = difference(once, outcome); !wrong.empty()) return wrong;
    if (each.place == Place::Answer && server.seen() != 1) return "the server saw it " + std::to_string(server.seen()) + " times";
    return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(MatrixTest)

BOOST_AUTO_TEST_CASE(each_fault_of_the_matrix_at_the_transport)
{
    const Tls tls;
    std::vector<Trial> trials;
    for (const Case& each : allCases())
        trials.push_back({each.name, expect(each).waits, [&tls, each] { return tryTransport(each, tls); }});
    BOOST_TEST(trials.size() >= 300u);
    report(runAll(std::move(trials)));
}

BOOST_AUTO_TEST_CASE(each_fault_of_the_matrix_through_a_client)
{
    const Tls tls;
    std::vector<Trial> trials;
    for (const Case& each : allCases()) {
        // Faults within the body are the same for all clients: it is whether the head came that decides.
        if (each.framing != Framing::Length) continue;
        trials.push_back({"client, " + each.name, expect(each).waits, [&tls, each] { return tryClient(each, tls); }});
    }
    BOOST_TEST(trials.size() >= 300u);
    report(runAll(std::move(trials)));
}

BOOST_AUTO_TEST_CASE(the_figures_of_the_room)
{
    std::cout << Figures::all().text() << std::flush;
    BOOST_TEST(Figures::all().cases() >= 300u);
    BOOST_TEST(Figures::all().allNamesDiffer());
}

BOOST_AUTO_TEST_SUITE_END()
