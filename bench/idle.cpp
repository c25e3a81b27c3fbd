// bench-idle: what an idle pooled https connection costs in memory.
//
//   bench-idle [CONNECTIONS]    default 1000

#include "support/Measure.h"
#include "support/SandboxProcess.h"

#include "tollgate/tollgate.h"

#include <cstdlib>
#include <iostream>
#include <malloc.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace tollgate;

/// Opens that many calls before it ends the first, so that each has a connection of its own; all of them are idle afterwards.
void openTogether(const Client& client, unsigned connections)
{
    std::vector<Response> open;
    open.reserve(connections);
    for (unsigned i = 0; i < connections; ++i) open.push_back(client.open(client.get("/coolness")));
    for (auto& response : open) response.buffer();
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const unsigned connections = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 1000;
        bench::raiseFileLimit();
        const bench::SandboxProcess sandbox({"--tls", "--bando-limit", "0", "--max-recorded", "0"});

        TransportOptions options;
        options.tls.caFile = sandbox.get("caFile");
        options.maxConnectionsPerOrigin = connections;
        options.maxIdlePerOrigin = connections;
        options.idleTimeout = std::chrono::minutes(10);
        const auto transport = Transport::create(options);
        const auto client = Client::to(sandbox.get("bando", "baseUrl")).transport(transport).build();

        openTogether(client, 1); // what is there once, such as the certificate store, is none of the connections' cost
        const auto before = bench::residentKiB();
        const auto heapBefore = mallinfo2().uordblks / 1024;
        openTogether(client, connections);
        const auto after = bench::residentKiB();
        const auto heapAfter = mallinfo2().uordblks / 1024;
        const auto idle = transport->stats().idleConnections;
        if (idle < connections) throw std::runtime_error("only " + std::to_string(idle) + " connections are idle");

        const auto row = [&](const char* measure, std::size_t grown) {
            bench::Row result;
            result.measure = measure;
            result.scheme = "https";
            result.kind = std::to_string(connections) + " pooled connections";
            result.value = static_cast<double>(grown) / (connections - 1);
            result.unit = "KiB";
            print(result);
        };
        row("heap in use per idle connection", heapAfter - heapBefore);
        row("resident memory per idle connection", after - before);
        malloc_trim(0); // gives back what was needed while all of them worked at once
        row("the same, free heap given back", bench::residentKiB() - before);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench-idle: " << error.what() << '\n';
        return 1;
    }
}
