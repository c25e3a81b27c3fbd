#include "transport/Connection.h"

#include "transport/Failure.h"
#include "transport/TlsContext.h"

#include <Poco/Net/StreamSocketImpl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace tollgate::transport {

namespace {

constexpr const char* lostHint = "The server or the network broke off; see whether the call may be repeated before repeating it.";

[[noreturn]] void lost(const std::string& why) { fail<ConnectionLost>("the connection was lost: " + why, lostHint); }

void switchOn(int descriptor, int level, int option)
{
    const int on = 1;
    ::setsockopt(descriptor, level, option, &on, sizeof on); // both options only improve things: no reason to fail
}

short eventsFor(TlsStep step) noexcept { return step == TlsStep::WantWrite ? POLLOUT : POLLIN; }

} // namespace

void Unmap::operator()(char* pages) const noexcept { ::munmap(pages, size); }

Pages mapPages(std::size_t size)
{
    void* pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return Pages(static_cast<char*>(pages), Unmap{size});
}

Connection::Connection(int descriptor, const Origin& origin, std::string address)
    : _socket(new Poco::Net::StreamSocketImpl(descriptor))
    , _descriptor(descriptor)
    , _origin(origin)
    , _address(std::move(address))
    , _hostLine("Host: " + origin.authority() + "\r\n")
{
    switchOn(descriptor, IPPROTO_TCP, TCP_NODELAY); // two small sends with Nagle's algorithm cost 40 ms
    switchOn(descriptor, SOL_SOCKET, SO_KEEPALIVE); // idle connections through NAT
}

namespace {

/// Credentials stood in it, perhaps beyond its present end.
void wipe(std::string& text) noexcept
{
    text.resize(text.capacity()); // allocates nothing
    OPENSSL_cleanse(text.data(), text.size());
    text.clear();
}

} // namespace

Connection::~Connection() { wipe(_buffers.output); }

void Connection::secure(TlsContext& context, Watch& watch, PhaseLimit limit)
{
    _tls = context.open(_descriptor, _origin);
    for (;;) {
        watch.check(limit);
        const TlsStep step = _tls->handshake();
        if (step == TlsStep::Done) return;
        if (step == TlsStep::Failed || step == TlsStep::Closed) {
            const std::string& pins = TlsContext::pinMismatch(*_tls);
            if (!pins.empty())
                fail<TlsError>(fmt::format("the server's certificate is not accepted for {}: {}", _origin.host, pins),
                               "Either the server's keys were changed, or somebody is in between. Ask its operator before you "
                               "add the new pin to TlsOptions::pins.");
            if (_tls->certificateRejected())
                fail<TlsError>(fmt::format("the server's certificate is not accepted for {}: {}", _origin.host, _tls->failure()),
                               "Check the host name, the machine's clock and the trusted certificates (SSL_CERT_FILE or caFile). "
                               "Verification cannot be switched off.");
            if (_tls->brokenOff()) // no verdict on the peer: a balancer that restarts does this
                fail<ConnectionLost>("the connection broke off in the TLS handshake: " + _tls->failure(),
                                     "The server or something in between ended it; if it always does, check that the port speaks "
                                     "TLS 1.2 or newer.");
            fail<TlsError>("the TLS handshake failed: " + _tls->failure(),
                           TlsContext::certificateAsked(*_tls)
                               ? "The server asked for a client certificate: see TlsOptions::clientCertificates for this host."
                               : "Check that the port speaks TLS 1.2 or newer, and that nothing in between interferes.");
        }
        watch.wait(_descriptor, eventsFor(step), limit);
    }
}

TlsStep Connection::trySend(const char* data, std::size_t size, std::size_t& count)
{
    _justSent = true;
    if (_tls) {
        const TlsStep step = _tls->write(data, size, count);
        if (step == TlsStep::Failed) lost(_tls->failure());
        return step;
    }
    ssize_t sent = 0;
    do sent = ::send(_descriptor, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return TlsStep::WantWrite;
        lost(systemErrorText(errno));
    }
    count = static_cast<std::size_t>(sent);
    return TlsStep::Done;
}

TlsStep Connection::tryReceive(char* buffer, std::size_t capacity, std::size_t& count)
{
    if (_tls) {
        const TlsStep step = _tls->read(buffer, capacity, count);
        if (step == TlsStep::Failed) lost(_tls->failure());
        return step;
    }
    ssize_t got = 0;
    do got = ::recv(_descriptor, buffer, capacity, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0) return TlsStep::Closed;
    if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return TlsStep::WantRead;
        lost(systemErrorText(errno));
    }
    count = static_cast<std::size_t>(got);
    return TlsStep::Done;
}

std::size_t Connection::receive(char* buffer, std::size_t capacity, Watch& watch, PhaseLimit& limit)
{
    // The answer is never there right after our own write, so that look would be wasted.
    if (std::exchange(_justSent, false) && !(_tls && SSL_has_pending(_tls->native()) != 0))
        watch.wait(_descriptor, POLLIN, limit);
    for (;;) {
        watch.check(limit.phase());
        std::size_t count = 0;
        const TlsStep step = tryReceive(buffer, capacity, count);
        if (step == TlsStep::Closed) return 0;
        if (step == TlsStep::Done) {
            limit.progressed(count);
            return count;
        }
        watch.wait(_descriptor, eventsFor(step), limit);
        watch.check(limit); // TLS records without content are no progress, however many come
    }
}

std::size_t Connection::room(std::size_t most)
{
    if (_begin == _end) _begin = _end = 0;
    if (_end == _buffers.inputCapacity && _begin > 0) {
        std::memmove(_buffers.input.get(), _buffers.input.get() + _begin, _end - _begin);
        _end -= std::exchange(_begin, 0);
    }
    if (_end == _buffers.inputCapacity && _end < most) {
        const std::size_t capacity = std::min(most, std::max(Buffers::inputSize, 2 * _end));
        Pages larger = mapPages(capacity);
        if (_end > 0) std::memcpy(larger.get(), _buffers.input.get(), _end);
        _buffers.input = std::move(larger);
        _buffers.inputCapacity = capacity;
    }
    return _buffers.inputCapacity - _end;
}

std::size_t Connection::fill(Watch& watch, PhaseLimit& limit, std::size_t most)
{
    const std::size_t free = room(most);
    const std::size_t count = receive(_buffers.input.get() + _end, free, watch, limit);
    _end += count;
    return count;
}

TlsStep Connection::tryFill(std::size_t most)
{
    const std::size_t free = room(most);
    if (free == 0) return TlsStep::WantRead;
    std::size_t count = 0;
    const TlsStep step = tryReceive(_buffers.input.get() + _end, free, count);
    if (step == TlsStep::Done) _end += count;
    return step;
}

void Connection::lend(Buffers buffers) { _buffers = std::move(buffers); }

Buffers Connection::takeBuffers() noexcept
{
    wipe(_buffers.output);
    _begin = _end = 0;
    if (_tls) _tls->releaseBuffers();
    return std::exchange(_buffers, Buffers());
}

bool Connection::isAlive()
{
    if (_tls) return _tls->isAlive();
    char byte = 0;
    ssize_t got = 0;
    do got = ::recv(_descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK); // an end, a reset, and bytes nobody asked for are all reasons to close
}

void Connection::shutdown() noexcept
{
    if (_tls) _tls->shutdown();
}

} // namespace tollgate::transport
