#include "stores/redis/RedisConnection.h"

#include "stores/Backend.h"
#include "stores/HostLookup.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketImpl.h>
#include <Poco/Redis/Array.h>
#include <Poco/Redis/Error.h>
#include <Poco/Timespan.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <cstring>
#include <exception>

namespace tollgate::stores {

namespace {

Poco::Timespan timespan(std::chrono::milliseconds time)
{
    return Poco::Timespan(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

std::vector<Poco::Net::SocketAddress> addresses(const RedisAddress& address, std::chrono::milliseconds patience)
{
    if (!address.socketPath.empty()) return {Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, address.socketPath)};
    std::vector<Poco::Net::SocketAddress> all;
    for (const Poco::Net::IPAddress& host : lookUp(address.host, patience)) all.emplace_back(host, address.port);
    return all;
}

/// What one may show of a server's words.
std::string printable(std::string text)
{
    constexpr std::size_t most = 120;
    if (text.size() > most) text.resize(most);
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
    return text;
}

} // namespace

RedisCommands& RedisCommands::add(std::initializer_list<std::string_view> words)
{
    ++_count;
    std::size_t size = 16;
    for (const std::string_view word : words) size += word.size() + 16;
    _wire.reserve(_wire.size() + size);
    _wire.append("*").append(std::to_string(words.size())).append("\r\n");
    for (const std::string_view word : words)
        _wire.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
    return *this;
}

void RedisCommands::wipe() noexcept { ::explicit_bzero(_wire.data(), _wire.size()); }

std::string RedisReply::error() const
{
    return printable(static_cast<const Poco::Redis::Type<Poco::Redis::Error>&>(*_value).value().getMessage());
}

std::optional<std::string> RedisReply::text() const
{
    if (!_value->isBulkString()) throw BackendFailure("Redis answered something else than a text");
    const auto& value = static_cast<const Poco::Redis::Type<Poco::Redis::BulkString>&>(*_value).value();
    if (value.isNull()) return std::nullopt;
    return value.value();
}

std::optional<std::vector<RedisReply>> RedisReply::list() const
{
    if (!_value->isArray()) throw BackendFailure("Redis answered something else than a list");
    const auto& value = static_cast<const Poco::Redis::Type<Poco::Redis::Array>&>(*_value).value();
    if (value.isNull()) return std::nullopt;
    std::vector<RedisReply> replies;
    for (const auto& one : value) replies.emplace_back(one);
    return replies;
}

RedisConnection::RedisConnection(const RedisAddress& address, const RedisStoreOptions& options)
    : _name(address.describe())
    , _patience(options.commandTimeout)
{
    connect(address, options);
    logIn(address, options);
}

void RedisConnection::connect(const RedisAddress& address, const RedisStoreOptions& options)
{
    std::string why = "it has no address";
    const auto until = std::chrono::steady_clock::now() + options.connectTimeout;
    for (const Poco::Net::SocketAddress& one : addresses(address, options.connectTimeout)) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left <= std::chrono::milliseconds::zero()) break;
        try {
            Poco::Net::StreamSocket socket;
            socket.connect(one, timespan(left));
            ::fcntl(socket.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
            if (address.socketPath.empty()) socket.setNoDelay(true);
            socket.setReceiveTimeout(timespan(options.commandTimeout));
            socket.setSendTimeout(timespan(options.commandTimeout));
            _socket = socket;
            _input.emplace(_socket);
            return;
        } catch (const Poco::TimeoutException&) {
            why = "nobody answers";
        } catch (const Poco::Exception& problem) {
            why = printable(problem.displayText());
        }
    }
    throw BackendFailure(_name + " cannot be reached: " + why);
}

void RedisConnection::logIn(const RedisAddress& address, const RedisStoreOptions& options)
{
    if (!options.password.empty()) {
        RedisCommands commands;
        if (options.user.empty())
            commands.add({"AUTH", options.password.expose()});
        else
            commands.add({"AUTH", options.user, options.password.expose()});
        std::vector<RedisReply> replies;
        try {
            replies = exchange(commands);
        } catch (...) {
            commands.wipe();
            throw;
        }
        commands.wipe();
        // The server's own words may repeat the arguments.
        if (replies.front().isError()) throw BackendFailure(_name + " does not take the user name or password");
    }
    const unsigned database = address.database.value_or(options.database);
    if (database == 0) return;
    RedisCommands commands;
    commands.add({"SELECT", std::to_string(database)});
    const RedisReply reply = exchange(commands).front();
    if (reply.isError()) throw BackendFailure(_name + " refuses database " + std::to_string(database) + ": " + reply.error());
}

std::vector<RedisReply> RedisConnection::exchange(const RedisCommands& commands)
{
    try {
        const std::string& wire = commands.wire();
        for (std::size_t sent = 0; sent < wire.size();)
            sent += static_cast<std::size_t>(
                _socket.sendBytes(wire.data() + sent, static_cast<int>(wire.size() - sent), MSG_NOSIGNAL));
        std::vector<RedisReply> replies;
        replies.reserve(commands.count());
        while (replies.size() < commands.count()) replies.push_back(read());
        return replies;
    } catch (const BackendFailure&) {
        throw;
    } catch (const std::exception&) { // of the socket, of Poco::Redis reading nonsense, or of memory for a huge length
        throw BackendFailure(_name + " broke the connection, or sends what is no answer");
    }
}

RedisReply RedisConnection::read()
{
    // A time-out ends the stream, as a lost connection does: what was read then is no answer.
    const int marker = _input->get();
    if (marker == std::char_traits<char>::eof())
        throw BackendFailure(_name + " does not answer within " + std::to_string(_patience.count()) + " ms");
    Poco::Redis::RedisType::Ptr value = Poco::Redis::RedisType::createRedisType(static_cast<char>(marker));
    if (value.isNull()) throw BackendFailure(_name + " does not speak as Redis does");
    value->read(*_input);
    if (!*_input) throw BackendFailure(_name + " stopped in the middle of an answer");
    return RedisReply(std::move(value));
}

} // namespace tollgate::stores
