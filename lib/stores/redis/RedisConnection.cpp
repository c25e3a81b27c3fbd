#include "stores/redis/RedisConnection.h"

#include "stores/Backend.h"
#include "stores/HostLookup.h"
#include "tollgate/Error.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketImpl.h>
#include <Poco/Redis/Array.h>
#include <Poco/Redis/Error.h>
#include <Poco/Redis/RedisStream.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <istream>
#include <streambuf>
#include <system_error>
#include <utility>

namespace tollgate::stores {

namespace {

using Steady = std::chrono::steady_clock;
using transport::Phase;

std::vector<Poco::Net::SocketAddress> addresses(const RedisAddress& address, std::chrono::milliseconds patience,
                                                transport::Watch& watch)
{
    if (!address.socketPath.empty()) return {Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, address.socketPath)};
    std::vector<Poco::Net::SocketAddress> all;
    for (const Poco::Net::IPAddress& host : lookUp(address.host, patience, watch)) all.emplace_back(host, address.port);
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

/// What Poco::Redis reads from: the socket, each wait for it under the watch of the call.
class RedisConnection::Input
{
public:
    explicit Input(Poco::Net::StreamSocket& socket) : _buffer(socket.impl()->sockfd()), _stream(socket)
    {
        std::ios& stream = _stream;
        stream.rdbuf(&_buffer);
        stream.exceptions(std::ios::badbit); // what the watch throws comes through
    }

    /// The next answer must be here by `end`.
    Poco::Redis::RedisInputStream& waitingUntil(TimePoint end, transport::Watch& watch) noexcept
    {
        _buffer.end = end;
        _buffer.watch = &watch;
        return _stream;
    }
    bool isLate() const noexcept { return _buffer.late; }
    void after(After after) noexcept
    {
        _buffer.after = after;
        _buffer.lingersUntil = TimePoint{};
    }

private:
    struct Buffer final : std::streambuf
    {
        explicit Buffer(int socket) : descriptor(socket) {}

        int_type underflow() override
        {
            for (;;) {
                // An answer is never there already.
                late = !readable();
                if (late) return traits_type::eof();
                const ssize_t size = ::recv(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
                if (size > 0) {
                    setg(bytes.data(), bytes.data(), bytes.data() + size);
                    return traits_type::to_int_type(bytes.front());
                }
                if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) return traits_type::eof();
            }
        }

        bool readable()
        {
            constexpr auto grace = std::chrono::milliseconds(10);
            try {
                return watch->waitUntil(descriptor, POLLIN, end, Phase::Store) != 0;
            } catch (const Error&) {
                if (after == After::GiveUp) throw;
                if (lingersUntil == TimePoint{}) lingersUntil = Steady::now() + grace;
                transport::Watch last(never, {});
                if (last.waitUntil(descriptor, POLLIN, std::min(end, lingersUntil), Phase::Store) == 0) throw;
                return true;
            }
        }

        const int descriptor;
        After after = After::GiveUp;
        TimePoint lingersUntil{};
        TimePoint end{};
        transport::Watch* watch = nullptr;
        bool late = false;
        std::array<char, 4096> bytes{};
    };

    Buffer _buffer;
    Poco::Redis::RedisInputStream _stream;
};

RedisConnection::RedisConnection(const RedisAddress& address, const RedisStoreOptions& options, transport::Watch& watch)
    : _name(address.describe())
    , _patience(options.commandTimeout)
{
    connect(address, options, watch);
    logIn(address, options, watch);
}

RedisConnection::~RedisConnection() = default;

void RedisConnection::connect(const RedisAddress& address, const RedisStoreOptions& options, transport::Watch& watch)
{
    std::string why = "it has no address";
    const TimePoint until = Steady::now() + options.connectTimeout;
    for (const Poco::Net::SocketAddress& one : addresses(address, options.connectTimeout, watch)) {
        Poco::Net::StreamSocket socket;
        try {
            socket.connectNB(one);
        } catch (const Poco::Exception& problem) {
            why = printable(problem.displayText());
            continue;
        }
        const int descriptor = socket.impl()->sockfd();
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        if (watch.waitUntil(descriptor, POLLOUT, until, Phase::Store) == 0) {
            why = "nobody answers";
            break; // no time is left for another address
        }
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
        if (error != 0) {
            why = std::generic_category().message(error);
            continue;
        }
        if (address.socketPath.empty()) socket.setNoDelay(true);
        _socket = socket;
        _input = std::make_unique<Input>(_socket);
        return;
    }
    throw BackendFailure(_name + " cannot be reached: " + why);
}

void RedisConnection::logIn(const RedisAddress& address, const RedisStoreOptions& options, transport::Watch& watch)
{
    if (!options.password.empty()) {
        RedisCommands commands;
        if (options.user.empty())
            commands.add({"AUTH", options.password.expose()});
        else
            commands.add({"AUTH", options.user, options.password.expose()});
        std::vector<RedisReply> replies;
        try {
            replies = exchange(commands, watch);
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
    const RedisReply reply = exchange(commands, watch).front();
    if (reply.isError()) throw BackendFailure(_name + " refuses database " + std::to_string(database) + ": " + reply.error());
}

std::vector<RedisReply> RedisConnection::exchange(const RedisCommands& commands, transport::Watch& watch, After after)
{
    try {
        _input->after(after);
        watch.check(Phase::Store);
        send(commands.wire(), watch);
        std::vector<RedisReply> replies;
        replies.reserve(commands.count());
        while (replies.size() < commands.count()) replies.push_back(read(watch));
        return replies;
    } catch (const BackendFailure&) {
        throw;
    } catch (const Error&) { // of the watch
        throw;
    } catch (const std::exception&) { // of Poco::Redis reading nonsense, or of memory for a huge length
        throw BackendFailure(_name + " broke the connection, or sends what is no answer");
    }
}

void RedisConnection::send(const std::string& wire, transport::Watch& watch)
{
    const int descriptor = _socket.impl()->sockfd();
    const TimePoint end = Steady::now() + _patience;
    for (std::size_t sent = 0; sent < wire.size();) {
        const ssize_t size = ::send(descriptor, wire.data() + sent, wire.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size > 0)
            sent += static_cast<std::size_t>(size);
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            throw BackendFailure(_name + " broke the connection: " + std::generic_category().message(errno));
        else if (watch.waitUntil(descriptor, POLLOUT, end, Phase::Store) == 0)
            throw BackendFailure(_name + " does not read within " + std::to_string(_patience.count()) + " ms");
    }
}

RedisReply RedisConnection::read(transport::Watch& watch)
{
    Poco::Redis::RedisInputStream& input = _input->waitingUntil(Steady::now() + _patience, watch);
    const auto cutOff = [this](const std::string& otherwise) {
        return BackendFailure(
            _name + (_input->isLate() ? " does not answer within " + std::to_string(_patience.count()) + " ms" : otherwise));
    };
    const int marker = input.get();
    if (marker == std::char_traits<char>::eof()) throw cutOff(" closed the connection");
    Poco::Redis::RedisType::Ptr value = Poco::Redis::RedisType::createRedisType(static_cast<char>(marker));
    if (value.isNull()) throw BackendFailure(_name + " does not speak as Redis does");
    value->read(input);
    if (!input) throw cutOff(" stopped in the middle of an answer");
    return RedisReply(std::move(value));
}

} // namespace tollgate::stores
