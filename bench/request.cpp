// bench-request: warm keep-alive GETs of 300 bytes over loopback, with credential, limit and lockout rule on.
//
//   bench-request [--client tollgate|raw] [--requests N]   one row of JSON a figure
//   bench-request --count N                                just N requests: for a profiler, which compares two runs
//
// `raw` is the limit: prebuilt bytes, one send, one recv into one buffer.

#include "support/AllocationCount.h"
#include "support/ChildProcess.h"
#include "support/Measure.h"

#include "tollgate/tollgate.h"

#include <arpa/inet.h>
#include <cstring>
#include <functional>
#include <iostream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace tollgate;
using Job = std::function<void()>;

constexpr std::size_t bodySize = 300;

Job tollgateJob(const std::string& port)
{
    auto client = Client::to("http://127.0.0.1:" + port + "/v1")
                      .userAgent("bench/1.0")
                      .auth(bearer(Secret("bench-key-bench-key-bench-key")))
                      .limit(perMinute(10'000'000), lockout())
                      .build();
    return [client] {
        const auto response = client.get("/coolness").query("symbol", "BTC-USD").header("Accept", "application/json").send();
        if (response.body().size() != bodySize) throw std::runtime_error("not the body that was due");
    };
}

/// A connection and the bytes of one request; closed with the last copy of the job.
struct RawClient
{
    explicit RawClient(const std::string& port)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
        if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("connect");
        const int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~RawClient() { close(descriptor); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void run()
    {
        if (send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
            throw std::runtime_error("send");
        std::size_t size = 0;
        const char* body = nullptr;
        do {
            const ssize_t count = recv(descriptor, buffer + size, sizeof buffer - size, 0);
            if (count <= 0) throw std::runtime_error("recv");
            size += static_cast<std::size_t>(count);
            if (body == nullptr) {
                const void* end = memmem(buffer, size, "\r\n\r\n", 4);
                if (end != nullptr) body = static_cast<const char*>(end) + 4;
            }
        } while (body == nullptr || buffer + size < body + bodySize);
    }

    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string request =
        "GET /v1/coolness?symbol=BTC-USD HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n"
        "Authorization: Bearer bench-key-bench-key-bench-key\r\n\r\n";
    char buffer[16 * 1024];
};

Job rawJob(const std::string& port)
{
    return [client = std::make_shared<RawClient>(port)] { client->run(); };
}

void measure(const std::string& name, const Job& job, unsigned requests)
{
    for (unsigned i = 0; i < 100; ++i) job();
    const auto heapBefore = bench::allocations();
    const auto cpuBefore = bench::cpuTime();
    const auto start = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < requests; ++i) job();
    const std::chrono::duration<double, std::micro> wall = std::chrono::steady_clock::now() - start;
    const std::chrono::duration<double, std::micro> cpu = bench::cpuTime() - cpuBefore;
    const auto heapAfter = bench::allocations();

    const auto row = [&](const char* what, double total, const char* unit) {
        bench::Row result;
        result.measure = what;
        result.kind = "GET 300 B";
        result.value = total / requests;
        result.unit = unit;
        result.client = name;
        print(result);
    };
    row("time per request", wall.count(), "us");
    row("CPU per request", cpu.count(), "us");
    row("operator new per request", static_cast<double>(heapAfter.news - heapBefore.news), "calls");
    row("malloc per request", static_cast<double>(heapAfter.mallocs - heapBefore.mallocs), "calls");
    row("heap bytes per request", static_cast<double>(heapAfter.bytes - heapBefore.bytes), "B");
}

} // namespace

int main(int argc, char** argv)
{
    try {
        std::string name = "tollgate";
        unsigned requests = 20'000;
        unsigned count = 0;
        for (int i = 1; i + 1 < argc; i += 2) {
            const std::string option = argv[i];
            if (option == "--client") name = argv[i + 1];
            if (option == "--requests") requests = static_cast<unsigned>(std::stoul(argv[i + 1]));
            if (option == "--count") count = static_cast<unsigned>(std::stoul(argv[i + 1]));
        }
        bench::ChildProcess server("bench-server", {});
        const std::string port = server.firstLine();
        const Job job = name == "raw" ? rawJob(port) : tollgateJob(port);
        if (count == 0) {
            measure(name, job, requests);
        } else {
            for (unsigned i = 0; i < count; ++i) job();
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench-request: " << error.what() << '\n';
        return 1;
    }
}
