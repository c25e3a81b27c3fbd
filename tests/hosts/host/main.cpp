// A host program that is hostile to its guest: brings its process into a state, then has the library carry out jobs.
//
//   test-hostile-host STATE PROXY_PORT < jobs
//
// A job is a line "NAME KIND URL CA_FILE [KEY_FILE]"; each is answered by a line "NAME OUTCOME DELIVERY": the type of error that
// came, or what the server said. Those that wait on bad servers run at once, the others one after the other behind them.

#include "States.h"
#include "transport/TcpState.h"

#include "tollgate/tollgate.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <typeinfo>
#include <vector>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

namespace {

struct Job
{
    std::string name, kind, url, caFile, keyFile;
};

std::mutex outputMutex;
HostState* host = nullptr; ///< what the process is in now

void tell(const Job& job, const std::string& outcome, const std::string& delivery = "-")
{
    const std::lock_guard<std::mutex> lock(outputMutex);
    std::printf("%s %s %s\n", job.name.c_str(), outcome.c_str(), delivery.c_str());
    std::fflush(stdout);
}

const char* word(Delivery delivery)
{
    return delivery == Delivery::NotSent ? "NotSent" : delivery == Delivery::Answered ? "Answered" : "MaybeProcessed";
}

TransportOptions optionsOf(const Job& job)
{
    TransportOptions options;
    options.tls.caFile = job.caFile;
    if (job.kind == "stalled") options.tlsTimeout = 300ms;
    if (job.kind == "slow") options.connectTimeout = 400ms; // has passed when the server begins with its handshake
    if (!job.keyFile.empty()) options.tls.clientCertificates = {{"localhost", job.keyFile, "", Secret()}};
    return options;
}

Exchange secretRequest(const std::string& method, const std::string& url)
{
    host->beforeCall();
    Exchange exchange;
    exchange.method = method;
    exchange.url = Url(url);
    exchange.headers.set("Authorization", "Bearer not-for-your-eyes");
    exchange.deadline = std::chrono::steady_clock::now() + 30s;
    return exchange;
}

std::string get(Transport& transport, const std::string& url)
{
    Exchange exchange = secretRequest("GET", url);
    std::string body;
    transport.exchange(exchange).source()->readAll(body);
    return body;
}

/// The whole client, whose pipeline retries what may be retried.
std::string send(const Job& job)
{
    auto client =
        Client::to(job.url).auth(bearer(Secret("not-for-your-eyes"))).transport(Transport::create(optionsOf(job))).build();
    return client.get("/").timeout(30s).send().body();
}

std::string look(const Job& job)
{
    const TlsReport report = Transport::create(optionsOf(job))->tlsReport(job.url);
    return report.verified ? "verified" : "unverified";
}

/// A body that is still going out when the server resets the connection.
std::string upload(const Job& job)
{
    Exchange exchange = secretRequest("POST", job.url);
    exchange.body = textBody(std::string(20'000'000, 'u'));
    Transport::create(optionsOf(job))->exchange(exchange);
    return "sent";
}

/// Ends an idle connection in order that the server has broken off meanwhile.
std::string endAfterHangUp(const Job& job)
{
    const auto transport = Transport::create(optionsOf(job));
    std::string body = get(*transport, job.url);
    if (transport->stats().idleConnections != 1) return "not-kept";
    const unsigned short port = Url(job.url).origin().port;
    for (int i = 0; transport::test::tcpStateTo(port) != TCP_CLOSE; ++i) {
        if (i == 2000) return "no-hang-up";
        std::this_thread::sleep_for(5ms);
    }
    transport->closeIdle();
    return body;
}

/// By name, by name again, by address: the second of them resumes, the others do not.
std::string resume(const Job& job)
{
    const auto transport = Transport::create(optionsOf(job));
    std::string byAddress = job.url;
    byAddress.replace(byAddress.find("localhost"), 9, "127.0.0.1");
    for (const std::string& url : {job.url, job.url, byAddress})
        if (get(*transport, url) != "ok") return "wrong";
    return "ok";
}

/// Forks with two warm connections. Both processes go on; the server tells from the paths which connection is whose.
std::string forked(const Job& job)
{
    auto transport = Transport::create(optionsOf(job));
    const auto twoAtOnce = [&](const std::string& path) {
        Exchange first = secretRequest("GET", job.url + path);
        const Response kept = transport->exchange(first);
        std::string body;
        bool good = get(*transport, job.url + path) == "ok";
        kept.source()->readAll(body);
        return good && body == "ok";
    };
    if (!twoAtOnce("parent")) return "parent-failed";
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);
        bool good = twoAtOnce("child") && twoAtOnce("child");
        transport->closeIdle();
        transport.reset();
        ::_exit(good ? 0 : 1);
    }
    const bool during = twoAtOnce("parent");
    int status = 0;
    ::waitpid(child, &status, 0);
    const bool after = twoAtOnce("parent");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "child-failed";
    return during && after ? "ok" : "parent-failed";
}

std::string carryOut(const Job& job)
{
    if (job.kind == "client") return send(job);
    if (job.kind == "look") return look(job);
    if (job.kind == "upload") return upload(job);
    if (job.kind == "hang-up") return endAfterHangUp(job);
    if (job.kind == "resume") return resume(job);
    if (job.kind == "fork") return forked(job);
    return get(*Transport::create(optionsOf(job)), job.url);
}

void run(const Job& job)
{
    try {
        host->beforeCall();
        tell(job, carryOut(job));
    } catch (const Error& error) {
        tell(job, error.name(), word(error.delivery()));
    } catch (const std::exception& error) {
        tell(job, std::string("foreign:") + typeid(error).name());
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    std::vector<Job> atOnce, oneByOne, behind;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        Job job;
        words >> job.name >> job.kind >> job.url >> job.caFile >> job.keyFile;
        const bool bad = job.kind == "client" || job.kind == "stalled" || job.kind == "slow" || job.kind == "look";
        (job.name == "after" ? behind : bad ? atOnce : oneByOne).push_back(job);
    }

    HostState calm;
    {
        const auto state = makeHostState(argv[1], static_cast<unsigned short>(std::atoi(argv[2])));
        host = state.get();
        for (const Job& job : oneByOne)
            if (job.kind != "fork" || !state->hasThreads()) run(job);
        std::vector<std::thread> threads;
        threads.reserve(atOnce.size());
        for (const Job& job : atOnce) threads.emplace_back([&job] { run(job); });
        for (auto& thread : threads) thread.join();
        for (const Job& job : behind) run(job);
        host = &calm;
    }
    for (const Job& job : behind) run(job); // the host has taken back what it did
    return 0;
}
