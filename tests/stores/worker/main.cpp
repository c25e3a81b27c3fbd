/// One of several processes that share a quota: calls an API as fast as its limits let it, through a real Client, and writes down
/// when each request arrives at the "server", which is a page of memory that all processes share.
///
///     test-store-worker STORE LIMIT WINDOW_MS THREADS TIMEOUT_MS FAILURE STORE_TIMEOUT_MS PAGE_FD LOG_FD
///
/// STORE is sqlite:PATH or redis:ADDRESS, FAILURE is safe, closed or open. LIMIT 0 is a lockout rule and no limit.

#include "stores/ServerPage.h"
#include "tollgate/stores/RedisStore.h"
#include "tollgate/stores/SqliteStore.h"
#include "tollgate/testing/ScriptedTransport.h"
#include "tollgate/tollgate.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace tollgate;
using testing::Arrival;
using testing::ServerPage;

StoreFailure failureOf(const std::string& word)
{
    if (word == "closed") return StoreFailure::Closed;
    return word == "open" ? StoreFailure::Open : StoreFailure::SafeShare;
}

QuotaStorePtr openStore(const std::string& text, StoreFailure failure, std::chrono::milliseconds timeout)
{
    if (text.rfind("sqlite:", 0) == 0) {
        SqliteStoreOptions options;
        options.failure = failure;
        options.busyTimeout = timeout;
        return sqliteStore(text.substr(7), options);
    }
    RedisStoreOptions options;
    options.failure = failure;
    options.connectTimeout = timeout;
    options.commandTimeout = timeout;
    options.pauseAfterFailures = std::chrono::milliseconds(500);
    return redisStore(text.substr(6), options);
}

Response serve(ServerPage& page, int log)
{
    const int status = page.status;
    const Arrival arrival{std::chrono::steady_clock::now().time_since_epoch().count(), ::getpid(), status};
    if (::write(log, &arrival, sizeof arrival) != sizeof arrival) std::abort();
    ++page.count;
    while (status == ServerPage::hang && !page.closed) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (page.milliseconds > 0) std::this_thread::sleep_for(std::chrono::milliseconds(page.milliseconds));
    ResponseHead head;
    head.status = status == ServerPage::hang ? 503 : status;
    if (page.retryAfter > 0) head.headers.add("Retry-After", std::to_string(page.retryAfter));
    return {head, std::string(status == 403 ? "too many login attempts" : "{}")};
}

void work(const Client& client, const ServerPage& page, std::chrono::milliseconds timeout)
{
    while (!page.closed) {
        const auto result = client.trySend(client.get("/things").timeout(timeout));
        // Refused at once, by the gate or by a closed store: a patient user.
        if (!result) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

} // namespace

int main(int count, char** arguments)
{
    if (count != 10) return 2;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto number = [&](int i) { return static_cast<unsigned>(std::stoul(arguments[i])); };
    const unsigned limit = number(2);
    const std::chrono::milliseconds window(number(3));
    const std::chrono::milliseconds timeout(number(5));
    const std::chrono::milliseconds storeTimeout(number(7));
    const int log = std::stoi(arguments[9]);
    void* memory = ::mmap(nullptr, sizeof(ServerPage), PROT_READ | PROT_WRITE, MAP_SHARED, std::stoi(arguments[8]), 0);
    if (memory == MAP_FAILED) return 3;
    auto& page = *static_cast<ServerPage*>(memory);
    try {
        const auto transport = testing::ScriptedTransport::create();
        transport->otherwise([&page, log](Exchange&) { return serve(page, log); });
        ClientBuilder builder = Client::to("https://api.example.com");
        builder.transport(transport)
            .auth(bearer(Secret("a-key-that-all-of-them-share")))
            .quotaStore(openStore(arguments[1], failureOf(arguments[6]), storeTimeout))
            .retry(RetryPolicy{1});
        if (limit > 0)
            builder.limit(WindowLimit(limit, window));
        else
            builder.limit(lockout().marker("too many login attempts"));
        const Client client = builder.build();
        while (!page.open) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < number(4); ++i) threads.emplace_back([&] { work(client, page, timeout); });
        for (std::thread& thread : threads) thread.join();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "worker: %s\n", error.what());
        return 1;
    }
    return 0;
}
