// What a user of the package does first, small: a version, a client, one call. Says what it did; any surprise ends it with 1.

#include <tollgate/Json.h>
#include <tollgate/tollgate.h>

#ifdef WITH_TESTING
#include <tollgate/testing/ScriptedTransport.h>
#endif
#ifdef WITH_SQLITE
#include <tollgate/stores/SqliteStore.h>
#endif
#ifdef WITH_REDIS
#include <tollgate/stores/RedisStore.h>
#endif

#include <cstring>
#include <iostream>

namespace {

/// Nothing leaves the machine: a URL with userinfo is refused before a connection is opened.
int refusedCall(tollgate::ClientBuilder builder)
{
    const auto client = builder.build();
    const auto result = client.trySend(client.get("https://user:password@example.invalid/"));
    if (result) return 1;
    std::cout << "refused: " << result.error().name() << ", delivery " << tollgate::toString(result.error().delivery()) << '\n';
    return result.error().delivery() == tollgate::Delivery::NotSent ? 0 : 1;
}

#ifdef WITH_TESTING
/// An exchange with a scripted server, credential and limit included.
int scriptedCall(tollgate::ClientBuilder builder)
{
    const auto server = tollgate::testing::ScriptedTransport::create();
    server->answer(200, R"({"coolness": 11})");
    const auto client = builder.transport(server).build();
    const auto answer = client.get("/coolness").query("symbol", "BTC-USD").send();
    const auto object = answer.json().extract<Poco::JSON::Object::Ptr>();
    const auto sent = server->sent();
    std::cout << "scripted: " << sent.at(0).method << ' ' << sent.at(0).url << " -> " << answer.status() << ", coolness "
              << object->getValue<int>("coolness") << '\n';
    return sent.size() == 1 && sent[0].headers.get("Authorization", {}) == "Bearer not-a-real-key" ? 0 : 1;
}
#endif

#ifdef WITH_SQLITE
/// A file that cannot be there: the store says so and makes nothing.
int refusedStore()
{
    try {
        tollgate::sqliteStore("/dev/null/quota.db");
    } catch (const tollgate::ConfigurationError& error) {
        std::cout << "sqlite: " << error.name() << '\n';
        return 0;
    }
    return 1;
}
#endif

#ifdef WITH_REDIS
/// Nobody listens there: the store lives through it, and says what is wrong.
int lonelyStore()
{
    const auto store = tollgate::redisStore("unix:/dev/null/redis.sock");
    store->update(tollgate::QuotaKey("realm", "principal"), [](tollgate::QuotaState&, tollgate::TimePoint) {});
    std::cout << "redis: " << store->trouble() << '\n';
    return store->trouble().empty() ? 1 : 0;
}
#endif

} // namespace

int main()
{
    std::cout << "tollgate " << tollgate::version() << ", package " << PACKAGE_VERSION << ", __cplusplus " << __cplusplus << '\n';
    if (std::strcmp(tollgate::version(), PACKAGE_VERSION) != 0) return 1;
    try {
        auto builder = tollgate::Client::to("https://api.example.invalid/v1");
        builder.userAgent("consumer/1.0")
            .auth(tollgate::bearer(tollgate::Secret("not-a-real-key")))
            .limit(tollgate::perMinute(100));
        int failures = refusedCall(builder);
#ifdef WITH_TESTING
        failures += scriptedCall(builder);
#endif
#ifdef WITH_SQLITE
        failures += refusedStore();
#endif
#ifdef WITH_REDIS
        failures += lonelyStore();
#endif
        std::cout << (failures == 0 ? "all as expected\n" : "not as expected\n");
        return failures == 0 ? 0 : 1;
    } catch (const tollgate::Error& error) {
        std::cout << error.displayText() << '\n';
        return 1;
    }
}
