#pragma once

#include "tollgate/Headers.h"
#include "tollgate/Url.h"

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

namespace tollgate::testing {

/// An answer as it came over the wire.
struct RawResponse
{
    int status = 0;
    Headers headers;
    std::string body;
    std::size_t chunks = 0; ///< how many, if the body came chunked
    bool complete = false;  ///< false: the connection ended first
};

/// A blocking HTTP client of a few lines that sends exactly what it is told, to test servers with. Every read gives up after ten
/// seconds with std::runtime_error, so that a test cannot hang.
class RawClient
{
public:
    /// Connects. `caFile`: verify an https server with this authority. `from`: the local address to come from.
    explicit RawClient(const std::string& baseUrl, const std::string& caFile = {}, const std::string& from = {});
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void send(const std::string& bytes);
    /// The next final answer. `toHead`: the request was HEAD.
    RawResponse receive(bool toHead = false);
    /// Sends a request below the base path and receives the answer. Content-Length is added to a body.
    RawResponse request(const std::string& method, const std::string& path, const std::vector<std::string>& fields = {},
                        const std::string& body = {});
    /// Reads until the peer ends the connection: "closed" in order, "reset", or "data" if something came instead.
    std::string waitForEnd();
    /// What comes, head and all, until nothing has come for this long.
    std::string receiveUntilSilent(int milliseconds);
    /// Whether nothing comes for this long.
    bool staysSilent(int milliseconds);

    const Url& base() const noexcept { return _base; }

private:
    /// 0 at the end of the connection.
    std::size_t readSome();
    bool readTo(std::size_t size);
    std::string takeLine(bool& complete);

    Url _base;
    int _descriptor = -1;
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> _context{nullptr, SSL_CTX_free};
    std::unique_ptr<SSL, void (*)(SSL*)> _ssl{nullptr, SSL_free};
    std::string _input;
    int _error = 0; ///< errno of the read that ended the connection
};

/// The same request over a connection of its own.
RawResponse once(const std::string& baseUrl, const std::string& method, const std::string& path,
                 const std::vector<std::string>& fields = {}, const std::string& body = {});

} // namespace tollgate::testing
