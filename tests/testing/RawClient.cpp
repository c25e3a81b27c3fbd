#include "RawClient.h"

#include <Poco/Net/SocketAddress.h>

#include <cerrno>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace tollgate::testing {

namespace {

constexpr int patience = 10'000;

void check(bool works, const char* what)
{
    if (!works) throw std::runtime_error(std::string("raw client: ") + what);
}

} // namespace

RawClient::RawClient(const std::string& baseUrl, const std::string& caFile, const std::string& from) : _base(baseUrl)
{
    const Poco::Net::SocketAddress address(_base.origin().host, _base.origin().port);
    _descriptor = ::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(_descriptor >= 0, "no socket");
    if (!from.empty()) {
        const Poco::Net::SocketAddress local(from, 0);
        check(::bind(_descriptor, local.addr(), local.length()) == 0, "cannot bind");
    }
    check(::connect(_descriptor, address.addr(), address.length()) == 0, "cannot connect");
    if (caFile.empty()) return;
    _context.reset(SSL_CTX_new(TLS_client_method()));
    check(SSL_CTX_load_verify_locations(_context.get(), caFile.c_str(), nullptr) == 1, "cannot load the CA file");
    SSL_CTX_set_verify(_context.get(), SSL_VERIFY_PEER, nullptr);
    _ssl.reset(SSL_new(_context.get()));
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(_ssl.get()), _base.origin().host.c_str());
    SSL_set_fd(_ssl.get(), _descriptor);
    check(SSL_connect(_ssl.get()) == 1, "TLS handshake failed");
}

RawClient::~RawClient()
{
    _ssl.reset();
    if (_descriptor >= 0) ::close(_descriptor);
}

void RawClient::send(const std::string& bytes)
{
    for (std::size_t done = 0; done < bytes.size();) {
        const auto left = bytes.size() - done;
        const auto count = _ssl ? SSL_write(_ssl.get(), bytes.data() + done, static_cast<int>(left))
                                : ::send(_descriptor, bytes.data() + done, left, MSG_NOSIGNAL);
        check(count > 0, "cannot send");
        done += static_cast<std::size_t>(count);
    }
}

std::size_t RawClient::readSome()
{
    if (!_ssl || SSL_pending(_ssl.get()) == 0) check(!staysSilent(patience), "nothing came");
    char buffer[16384];
    const auto count = _ssl ? SSL_read(_ssl.get(), buffer, sizeof buffer) : ::recv(_descriptor, buffer, sizeof buffer, 0);
    _error = count < 0 ? errno : 0;
    if (count <= 0) return 0;
    _input.append(buffer, static_cast<std::size_t>(count));
    return static_cast<std::size_t>(count);
}

bool RawClient::readTo(std::size_t size)
{
    while (_input.size() < size)
        if (readSome() == 0) return false;
    return true;
}

std::string RawClient::takeLine(bool& complete)
{
    std::size_t end = 0;
    while ((end = _input.find("\r\n")) == std::string::npos) {
        complete = readSome() > 0;
        if (!complete) return {};
    }
    auto line = _input.substr(0, end);
    _input.erase(0, end + 2);
    complete = true;
    return line;
}

RawResponse RawClient::receive(bool toHead)
{
    RawResponse response;
    bool complete = false;
    const auto statusLine = takeLine(complete);
    if (!complete) return response;
    response.status = std::stoi(statusLine.substr(9, 3));
    for (auto line = takeLine(complete); complete && !line.empty(); line = takeLine(complete)) {
        const auto colon = line.find(": ");
        response.headers.add(line.substr(0, colon), line.substr(colon + 2));
    }
    if (!complete || toHead || response.status < 200 || response.status == 204) {
        response.complete = complete;
        return response;
    }
    if (response.headers.has("Transfer-Encoding")) {
        for (;;) {
            const auto size = std::stoul("0" + takeLine(complete), nullptr, 16);
            if (!complete || !readTo(size + 2)) return response;
            response.body += _input.substr(0, size);
            _input.erase(0, size + 2);
            if (size == 0) break;
            ++response.chunks;
        }
        response.complete = true;
        return response;
    }
    const auto length = std::stoul(std::string(response.headers.get("Content-Length", "0")));
    response.complete = readTo(length);
    response.body = _input.substr(0, length);
    _input.erase(0, response.body.size());
    return response;
}

RawResponse RawClient::request(const std::string& method, const std::string& path, const std::vector<std::string>& fields,
                               const std::string& body)
{
    auto target = _base.target() == "/" ? path : _base.target() + path;
    auto bytes = method + " " + target + " HTTP/1.1\r\nHost: " + _base.origin().authority() + "\r\n";
    for (const auto& field : fields) bytes += field + "\r\n";
    if (!body.empty()) bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(bytes + "\r\n" + body);
    return receive(method == "HEAD");
}

std::string RawClient::waitForEnd()
{
    if (!_input.empty() || readSome() > 0) return "data";
    return _error == ECONNRESET ? "reset" : "closed";
}

std::string RawClient::receiveUntilSilent(int milliseconds)
{
    readSome();
    while (!staysSilent(milliseconds) && readSome() > 0) {
    }
    return std::exchange(_input, {});
}

bool RawClient::staysSilent(int milliseconds)
{
    pollfd entry{_descriptor, POLLIN, 0};
    return ::poll(&entry, 1, milliseconds) == 0;
}

RawResponse once(const std::string& baseUrl, const std::string& method, const std::string& path,
                 const std::vector<std::string>& fields, const std::string& body)
{
    return RawClient(baseUrl).request(method, path, fields, body);
}

} // namespace tollgate::testing
