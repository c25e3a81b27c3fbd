#include "stores/redis/RedisBackend.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

namespace tollgate::stores {

namespace {

constexpr std::size_t namingKeySize = 32;

std::int64_t integer(const RedisReply& reply)
{
    const std::optional<std::string> digits = reply.text();
    if (!digits || digits->empty() || digits->size() > 18) throw BackendFailure("Redis does not tell the time");
    std::int64_t value = 0;
    for (const char digit : *digits) {
        if (digit < '0' || digit > '9') throw BackendFailure("Redis does not tell the time");
        value = value * 10 + (digit - '0');
    }
    return value;
}

TimePoint time(const RedisReply& reply)
{
    const auto parts = reply.list();
    if (!parts || parts->size() != 2) throw BackendFailure("Redis does not tell the time");
    return TimePoint(std::chrono::seconds(integer(parts->front())) + std::chrono::microseconds(integer(parts->back())));
}

} // namespace

RedisBackend::RedisBackend(RedisAddress address, RedisStoreOptions options)
    : _address(std::move(address))
    , _options(std::move(options))
{}

std::string RedisBackend::name(const QuotaKey& key) const
{
    std::string text = _options.prefix + ":{" + key.text() + '}';
    std::replace(text.begin(), text.end(), '\n', ':');
    return text;
}

std::vector<RedisReply> RedisBackend::exchange(const RedisCommands& commands, transport::Watch& watch,
                                               RedisConnection::After after)
{
    try {
        if (!_connection) {
            _watching = false;
            _connection = std::make_unique<RedisConnection>(_address, _options, watch);
        }
        std::vector<RedisReply> replies = _connection->exchange(commands, watch, after);
        for (const RedisReply& reply : replies)
            if (reply.isError()) throw BackendFailure(describe() + " refuses: " + reply.error());
        return replies;
    } catch (...) {
        _connection.reset(); // also what was begun is forgotten with it
        throw;
    }
}

void RedisBackend::transact(const QuotaKey& key, const Edit& edit, transport::Watch& watch)
{
    const std::string document = name(key);
    const auto until = std::chrono::steady_clock::now() + 10 * _options.commandTimeout;
    std::chrono::microseconds longest(200);
    while (!tryTransact(document, edit, watch)) {
        if (std::chrono::steady_clock::now() >= until)
            throw BackendFailure(describe() + " has so many writers at one account that we do not get a turn");
        // Somebody was quicker. Those who collided must not meet again.
        std::uniform_int_distribution<std::chrono::microseconds::rep> jitter(0, longest.count());
        std::this_thread::sleep_for(std::chrono::microseconds(jitter(_random)));
        longest = std::min(2 * longest, std::chrono::microseconds(5'000));
    }
}

bool RedisBackend::tryTransact(const std::string& name, const Edit& edit, transport::Watch& watch)
{
    RedisCommands reading;
    if (_watching) reading.add({"UNWATCH"});
    reading.add({"WATCH", name}).add({"GET", name}).add({"TIME"});
    std::vector<RedisReply> replies = exchange(reading, watch);
    _watching = true;
    const TimePoint now = time(replies.back());
    replies.pop_back();
    const std::string bytes = replies.back().text().value_or(std::string());

    const Edited edited = edit(bytes, now);
    if (!edited.write) return true;

    const auto keepFor = std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(edited.keepFor).count(), 1);
    RedisCommands writing;
    writing.add({"MULTI"}).add({"SET", name, edited.bytes, "PX", std::to_string(keepFor)});
    if (!edited.spoiled.empty()) writing.add({"SET", name + ":spoiled", edited.spoiled});
    writing.add({"EXEC"});
    const auto results = exchange(writing, watch, RedisConnection::After::Linger).back().list();
    _watching = false; // EXEC ends it
    if (!results) return false;
    for (const RedisReply& result : *results)
        if (result.isError()) throw BackendFailure(describe() + " refuses: " + result.error());
    return true;
}

Secret RedisBackend::namingKey(const Secret& proposal, transport::Watch& watch)
{
    const std::string name = _options.prefix + ":naming-key";
    RedisCommands commands;
    commands.add({"SET", name, proposal.expose(), "NX"}).add({"GET", name});
    const std::optional<std::string> key = exchange(commands, watch).back().text();
    if (!key || key->size() != namingKeySize) throw BackendFailure(describe() + " holds something else than a key under " + name);
    return Secret(*key);
}

} // namespace tollgate::stores
