#include "FaultServer.h"
#include "Runner.h"

#include "transport/FullBacklog.h"
#include "transport/PocoTransport.h"

#include "tollgate/Exchange.h"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <stdexcept>
#include <thread>

using namespace tollgate;
using namespace tollgate::faults;
using namespace tollgate::transport::test;
using namespace std::chrono_literals;
using tollgate::transport::PocoTransport;
using tollgate::transport::Resolver;

namespace {

using Steady = std::chrono::steady_clock;
constexpr auto amply = 15s;

struct Tls
{
    Authority authority;
    ServerContext context = authority.serve("DNS:case.test,DNS:good.test");
};

TransportOptions optionsFor(const Tls& tls)
{
    TransportOptions options;
    options.tls.caFile = tls.authority.file();
    options.connectTimeout = options.tlsTimeout = options.writeTimeout = options.readTimeout = 20s;
    return options;
}

RawServer::Script sound()
{
    return [](Peer& peer) {
        while (!peer.readRequest().empty())
            if (!peer.send(answerOf(Framing::Length))) return;
    };
}

std::string get(Transport& transport, const std::string& url, TimePoint deadline)
{
    Exchange exchange;
    exchange.method = "GET";
    exchange.url = Url(url);
    exchange.deadline = deadline;
    std::string text;
    transport.exchange(exchange).source()->readAll(text);
    return text;
}

Expectation success()
{
    Expectation expectation;
    expectation.body = bodyText();
    return expectation;
}

Expectation unsent(std::set<std::string> errors)
{
    Expectation expectation;
    expectation.errors = std::move(errors);
    expectation.deliveries = {Delivery::NotSent};
    expectation.waits = expectation.errors.count("Timeout") > 0;
    return expectation;
}

/// The call that meets the fault, then one that must work at once, if there is such a one.
std::string judge(const std::string& name, Transport& transport, const Expectation& expected, const std::string& url,
                  const std::string& nextUrl)
{
    const TimePoint deadline = Steady::now() + (expected.waits ? shortDeadline : Duration(amply));
    const Ending ending = outcomeOf(deadline, [&] { return get(transport, url, deadline); });
    if (expected.waits) Figures::all().overran(name, ending.overrun);
    if (std::string wrong = difference(expected, ending); !wrong.empty()) return wrong;
    const TransportStats stats = transport.stats();
    if (stats.openConnections != stats.idleConnections) return "a connection is still lent";
    if (!ending.error.empty() && stats.idleConnections > 0) return "a broken connection is kept";
    if (nextUrl.empty()) return {};
    const Ending next = outcomeOf(Steady::now() + amply, [&] { return get(transport, nextUrl, Steady::now() + amply); });
    return next.error.empty() && next.text == bodyText() ? "" : "the next request failed: " + next.error + " " + next.text;
}

/// What the name case.test leads to, beside the server at 127.0.0.1.
struct Way
{
    std::string name;
    std::vector<std::string> addresses;
    Expectation expected;
    bool silent2 = false; ///< 127.0.0.2 and 127.0.0.3 drop what comes; nobody is at 127.0.0.8 and beyond
    Duration slow{};      ///< the look-up takes that long
    std::string failure{};
};

std::vector<Way> ways()
{
    return {{"refused", {"127.0.0.9"}, unsent({"ConnectError"})},
            {"silent address", {"127.0.0.2"}, unsent({"Timeout"}), true},
            {"dead first address, refused", {"127.0.0.9", "127.0.0.1"}, success()},
            {"dead first address, silent", {"127.0.0.2", "127.0.0.1"}, success(), true},
            {"two dead addresses, silent", {"127.0.0.2", "127.0.0.3", "127.0.0.1"}, success(), true},
            {"dead second address", {"127.0.0.1", "127.0.0.9"}, success()},
            {"first family unreachable", {"2001:db8::1", "127.0.0.1"}, success()},
            {"all addresses refused", {"127.0.0.9", "127.0.0.10", "127.0.0.11"}, unsent({"ConnectError"})},
            {"all addresses silent", {"127.0.0.2", "127.0.0.3"}, unsent({"Timeout"}), true},
            {"one silent, one refused", {"127.0.0.2", "127.0.0.9"}, unsent({"Timeout"}), true},
            {"no such name", {}, unsent({"NameResolutionError"}), false, {}, "Name or service not known"},
            {"slow failure of DNS", {}, unsent({"NameResolutionError"}), false, 60ms, "Temporary failure"},
            {"slow DNS", {"127.0.0.1"}, success(), false, 80ms},
            {"DNS slower than the deadline", {"127.0.0.1"}, unsent({"Timeout"}), false, 600ms},
            {"stuck DNS", {"127.0.0.1"}, unsent({"Timeout"}), false, 2s},
            {"look-up throws", {}, unsent({"NameResolutionError"}), false, {}, "throws"}};
}

std::string tryWay(const std::string& name, const Way& way, bool overTls, const Tls& tls)
{
    RawServer server(sound(), overTls ? tls.context.get() : nullptr);
    std::vector<std::unique_ptr<FullBacklog>> silent;
    if (way.silent2)
        for (const char* ip : {"127.0.0.2", "127.0.0.3"}) silent.push_back(std::make_unique<FullBacklog>(ip, server.port()));
    PocoTransport transport(optionsFor(tls), [way](const std::string& host) -> Resolver::Answer {
        if (host == "good.test") return {{Poco::Net::IPAddress("127.0.0.1")}, ""};
        if (way.slow > Duration::zero()) std::this_thread::sleep_for(way.slow);
        if (way.failure == "throws") throw std::runtime_error("out of order");
        Resolver::Answer answer{{}, way.failure};
        for (const std::string& address : way.addresses) answer.addresses.emplace_back(address);
        return answer;
    });
    const std::string scheme = overTls ? "https://" : "http://", port = ":" + std::to_string(server.port());
    return judge(name, transport, way.expected, scheme + "case.test" + port + "/", scheme + "good.test" + port + "/");
}

/// What a proxy does when it is asked for a tunnel.
struct ProxyFault
{
    std::string name;
    std::string answer; ///< sent before the fault
    Fault fault;
    Expectation expected;
};

std::vector<ProxyFault> proxyFaults()
{
    const std::string open = "HTTP/1.1 200 Connection established\r\nX-Proxy: of the matrix\r\n\r\n";
    std::vector<ProxyFault> faults = {
        {"502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", Fault::Close, unsent({"ConnectError"})},
        {"407", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Fault::Stall, unsent({"ConnectError"})},
        {"bytes before their time", open + "too early", Fault::Stall, unsent({"ProtocolError"})}};
    faults.back().expected.waits = false;
    const std::pair<std::string, std::string> places[] = {{"before its answer", ""},
                                                          {"in its status line", open.substr(0, 12)},
                                                          {"in a field", open.substr(0, open.size() - 20)},
                                                          {"after its answer", open}};
    for (const auto& [where, sent] : places) {
        const bool opened = sent == open;
        const std::string lost = opened ? "TlsError" : "ConnectionLost";
        for (const Fault fault : {Fault::Reset, Fault::Close, Fault::HalfClose})
            faults.push_back({std::string(fault == Fault::Reset   ? "reset "
                                          : fault == Fault::Close ? "close "
                                                                  : "half-close ") +
                                  where,
                              sent, fault, unsent({lost, "ConnectionLost"})});
        faults.push_back({"stall " + where, sent, Fault::Stall, unsent({"Timeout"})});
        faults.push_back(
            {"garbage " + where, sent, Fault::Garbage, unsent({opened ? "TlsError" : "ProtocolError", "ProtocolError"})});
    }
    faults.push_back({"drip of its answer", "", Fault::Drip, unsent({"Timeout"})});
    return faults;
}

std::string tryProxy(const std::string& name, const ProxyFault& each, const Tls& tls)
{
    std::atomic<bool> begun{false};
    RawServer proxy([&](Peer& peer) {
        for (std::string request = peer.readRequest(); !request.empty(); request = peer.readRequest()) {
            if (request.rfind("CONNECT ", 0) != 0) {
                if (!peer.send(answerOf(Framing::Length))) return;
                continue;
            }
            if (!each.answer.empty()) peer.send(each.answer);
            commit(each.fault, peer, "HTTP/1.1 200 Connection established\r\n\r\n", false, begun);
            return;
        }
    });
    TransportOptions options = optionsFor(tls);
    options.proxy = proxy.url("");
    PocoTransport transport(options);
    return judge(name, transport, each.expected, "https://case.test/", "http://good.test/");
}

std::string tryDeadProxy(const std::string& name, bool silent, bool https, const Tls& tls)
{
    const FullBacklog backlog("127.0.0.2");
    TransportOptions options = optionsFor(tls);
    options.proxy = "http://" + std::string(silent ? "127.0.0.2:" : "127.0.0.9:") + std::to_string(backlog.port);
    PocoTransport transport(options);
    return judge(name, transport, unsent({silent ? "Timeout" : "ConnectError"}),
                 https ? "https://case.test/" : "http://case.test/", "");
}

/// All connections of the origin are taken.
std::string tryFullPool(const std::string& name, bool overTls, const Tls& tls)
{
    RawServer server(
        [](Peer& peer) {
            peer.readRequest();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
            peer.readToEnd();
        },
        overTls ? tls.context.get() : nullptr);
    TransportOptions options = optionsFor(tls);
    options.maxConnectionsPerOrigin = 1;
    PocoTransport transport(options, [](const std::string&) -> Resolver::Answer {
        return {{Poco::Net::IPAddress("127.0.0.1")}, ""};
    });
    const std::string url = server.url("/", "case.test");
    Exchange exchange;
    exchange.method = "GET";
    exchange.url = Url(url);
    const Response holder = transport.exchange(exchange);
    const TimePoint deadline = Steady::now() + shortDeadline;
    const Ending ending = outcomeOf(deadline, [&] { return get(transport, url, deadline); });
    Figures::all().overran(name, ending.overrun);
    if (std::string wrong = difference(unsent({"Timeout"}), ending); !wrong.empty()) return wrong;
    return transport.stats().openConnections == 1 ? "" : "the pool miscounts";
}

} // namespace

BOOST_AUTO_TEST_SUITE(ConnectTest)

BOOST_AUTO_TEST_CASE(each_fault_on_the_way_to_a_connection)
{
    const Tls tls;
    std::vector<Trial> trials;
    for (const bool overTls : {false, true}) {
        const std::string scheme = overTls ? "https, " : "http, ";
        for (const Way& way : ways()) {
            const std::string name = scheme + way.name;
            trials.push_back({name, way.expected.waits, [&tls, name, way, overTls] { return tryWay(name, way, overTls, tls); }});
        }
        for (const bool silent : {false, true}) {
            const std::string name = scheme + (silent ? "proxy does not answer" : "proxy refused");
            trials.push_back({name, silent, [&tls, name, silent, overTls] { return tryDeadProxy(name, silent, overTls, tls); }});
        }
        const std::string name = scheme + "all connections taken";
        trials.push_back({name, true, [&tls, name, overTls] { return tryFullPool(name, overTls, tls); }});
    }
    for (const ProxyFault& each : proxyFaults()) {
        const std::string name = "tunnel, " + each.name;
        trials.push_back({name, each.expected.waits, [&tls, name, each] { return tryProxy(name, each, tls); }});
    }
    report(runAll(std::move(trials)));
}

BOOST_AUTO_TEST_SUITE_END()
