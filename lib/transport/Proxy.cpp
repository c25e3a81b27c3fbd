#include "transport/Proxy.h"

#include "transport/Failure.h"
#include "transport/ResponseCodec.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace tollgate::transport {

namespace {

constexpr const char* loginHint =
    "Proxies with a login are not supported yet: use one that lets this machine through without a login.";
constexpr const char* writeHint = "Write it as in http://proxy.example.com:3128.";

/// "host:port" as CONNECT wants it: the port is never left out (RFC 9112 section 3.2.3).
std::string authorityForm(const Origin& origin)
{
    const bool literal = origin.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", literal ? "[" : "", origin.host, literal ? "]" : "", origin.port);
}

void sendAll(Connection& connection, std::string_view bytes, Watch& watch, PhaseLimit& limit)
{
    while (!bytes.empty()) {
        watch.check(limit);
        std::size_t count = 0;
        if (connection.trySend(bytes.data(), bytes.size(), count) == TlsStep::Done)
            bytes.remove_prefix(count);
        else
            watch.wait(connection.descriptor(), POLLOUT, limit);
    }
}

/// The status of the answer, whose head is taken off the connection. A 2xx has no body whatever its fields say (RFC 9112 section
/// 6.3), and nobody wants that of another.
int readAnswer(Connection& connection, Watch& watch, PhaseLimit& limit, std::size_t maxHeadBytes)
{
    ResponseCodec codec(maxHeadBytes);
    const std::size_t most = std::max(maxHeadBytes, Buffers::inputSize);
    while (!codec.headComplete()) {
        watch.check(limit);
        const TlsStep step = connection.tryFill(most); // fill() would begin the limit anew with each byte
        if (step == TlsStep::Closed) codec.end();
        if (step != TlsStep::Done) {
            watch.wait(connection.descriptor(), POLLIN, limit);
            continue;
        }
        const std::string_view bytes = connection.buffered();
        connection.consume(codec.feedHead(bytes.data(), bytes.size()));
    }
    return codec.status();
}

} // namespace

std::optional<Origin> parseProxy(const std::string& url)
{
    if (url.empty()) return std::nullopt;
    Url parsed;
    try {
        parsed = Url(url);
    } catch (const InvalidUrl& error) {
        if (url.find('@') != std::string::npos)
            fail<ConfigurationError>("the URL of the proxy carries a user name or password", loginHint);
        fail<ConfigurationError>("the URL of the proxy cannot be used: " + error.details().message, writeHint);
    }
    if (parsed.origin().isTls())
        fail<ConfigurationError>(
            "the URL of the proxy begins with https",
            "Write http://: the way to the proxy is plain http, and https requests go through it in a tunnel "
            "that it cannot look into.");
    if (parsed.target() != "/" || url.find('#') != std::string::npos)
        fail<ConfigurationError>("the URL of the proxy has a path, query or fragment", writeHint);
    return parsed.origin();
}

void openTunnel(Connection& connection, Watch& watch, PhaseLimit limit, std::size_t maxHeadBytes)
{
    const std::string target = authorityForm(connection.origin());
    sendAll(connection, fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", target), watch, limit);
    const int status = readAnswer(connection, watch, limit, maxHeadBytes);
    if (status >= 300)
        fail<ConnectError>(fmt::format("it answered {} to CONNECT {}", status, target),
                           status == 407  ? loginHint
                           : status < 500 ? "The proxy does not let connections to this host and port through; ask its operator."
                                          : "The proxy could not reach the host; check host and port, or try again later.");
    if (!connection.buffered().empty())
        fail<ProtocolError>("it sent bytes into the tunnel before anything had gone through",
                            "The proxy is faulty; report it to its operator.");
}

ErrorPtr atProxy(const TransportError& error, const Origin& proxy)
{
    ErrorDetails details = error.details();
    details.message = fmt::format("the proxy {}: {}", proxy.text(), details.message);
    return error.with(std::move(details));
}

} // namespace tollgate::transport
