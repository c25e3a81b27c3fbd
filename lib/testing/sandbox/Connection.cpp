#include "Connection.h"

#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace tollgate::testing::sandbox {

using transport::TlsStep;

namespace {

constexpr auto never = std::chrono::steady_clock::time_point::max();
constexpr std::chrono::seconds drainTime{2};

} // namespace

Connection::Connection(int descriptor, std::unique_ptr<transport::TlsStream> tls, std::shared_ptr<const Handler> handler,
                       std::string peer)
    : _descriptor(descriptor)
    , _tls(std::move(tls))
    , _handler(std::move(handler))
    , _peer(std::move(peer))
    , _state(_tls ? State::Handshake : State::Read)
{}

Connection::~Connection()
{
    _tls.reset();
    ::close(_descriptor);
}

Connection::Wants Connection::proceed()
{
    for (;;) {
        auto wants = Wants::Nothing;
        const auto before = _state;
        switch (_state) {
        case State::Handshake: wants = handshake(); break;
        case State::Read: wants = read(); break;
        case State::Delay:
            if (std::chrono::steady_clock::now() < _due) return Wants::Nothing;
            _due = never;
            _state = State::Write;
            break;
        case State::Write: wants = write(); break;
        case State::Silent: return Wants::Nothing;
        case State::Drain: wants = drain(); break;
        case State::Over: return Wants::Close;
        }
        if (_state == before) return wants;
    }
}

Connection::Wants Connection::handshake()
{
    switch (_tls->handshake()) {
    case TlsStep::Done: _state = State::Read; return Wants::Read;
    case TlsStep::WantRead: return Wants::Read;
    case TlsStep::WantWrite: return Wants::Write;
    default: _state = State::Over; return Wants::Close;
    }
}

Connection::Wants Connection::read()
{
    for (;;) {
        switch (_reader.step()) {
        case RequestReader::Step::Complete: answer(_reader.take()); return Wants::Nothing;
        case RequestReader::Step::Failed: refuse(_reader.failureStatus()); return Wants::Nothing;
        case RequestReader::Step::NeedMore: break;
        }
        if (_reader.takeExpectation()) {
            _output = "HTTP/1.1 100 Continue\r\n\r\n";
            _state = State::Write;
            return Wants::Nothing;
        }
        char buffer[16 * 1024];
        std::size_t count = 0;
        switch (receive(buffer, sizeof buffer, count)) {
        case Io::Moved: _reader.feed(buffer, count); break;
        case Io::WantRead:
            if (_reader.isIdle()) {
                _reader.releaseBuffers();
                std::string().swap(_output);
                if (_tls) _tls->releaseBuffers();
            }
            return Wants::Read;
        case Io::WantWrite: return Wants::Write;
        case Io::Ended: _state = State::Over; return Wants::Close;
        }
    }
}

Connection::Wants Connection::write()
{
    while (_written < _output.size()) {
        std::size_t count = 0;
        switch (send(count)) {
        case Io::Moved: _written += count; break;
        case Io::WantRead: return Wants::Read;
        case Io::WantWrite: return Wants::Write;
        case Io::Ended: _state = State::Over; return Wants::Close;
        }
    }
    _output.clear();
    _written = 0;
    _state = std::exchange(_after, State::Read);
    if (_state == State::Drain) {
        if (_tls) _tls->shutdown();
        ::shutdown(_descriptor, SHUT_WR);
        _due = std::chrono::steady_clock::now() + drainTime;
    }
    return Wants::Nothing;
}

Connection::Wants Connection::drain()
{
    char buffer[16 * 1024];
    while (std::chrono::steady_clock::now() < _due) {
        const auto received = ::recv(_descriptor, buffer, sizeof buffer, 0);
        if (received < 0 && (errno == EAGAIN || errno == EINTR)) return Wants::Read;
        if (received <= 0) break;
    }
    _state = State::Over;
    return Wants::Close;
}

Connection::Io Connection::receive(char* buffer, std::size_t capacity, std::size_t& count)
{
    if (_tls) {
        switch (_tls->read(buffer, capacity, count)) {
        case TlsStep::Done: return Io::Moved;
        case TlsStep::WantRead: return Io::WantRead;
        case TlsStep::WantWrite: return Io::WantWrite;
        default: return Io::Ended;
        }
    }
    const auto received = ::recv(_descriptor, buffer, capacity, 0);
    if (received > 0) return count = static_cast<std::size_t>(received), Io::Moved;
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return Io::WantRead;
    return Io::Ended;
}

Connection::Io Connection::send(std::size_t& count)
{
    const char* data = _output.data() + _written;
    const auto size = _output.size() - _written;
    if (_tls) {
        switch (_tls->write(data, size, count)) {
        case TlsStep::Done: return Io::Moved;
        case TlsStep::WantRead: return Io::WantRead;
        case TlsStep::WantWrite: return Io::WantWrite;
        default: return Io::Ended;
        }
    }
    const auto sent = ::send(_descriptor, data, size, MSG_NOSIGNAL);
    if (sent >= 0) return count = static_cast<std::size_t>(sent), Io::Moved;
    return errno == EAGAIN || errno == EINTR ? Io::WantWrite : Io::Ended;
}

void Connection::answer(HttpRequest request)
{
    request.peer = _peer;
    const bool headOnly = request.method == "HEAD";
    const auto response = (*_handler)(std::move(request));
    if (response.delivery == Delivery::Reset) {
        resetOnClose();
        _state = State::Over;
        return;
    }
    const bool keepAlive = _reader.keepAlive() && response.delivery != Delivery::Cut;
    // A cut answer must not announce its end: the client is to find out by itself.
    _output = serialise(response, _reader.keepAlive(), headOnly);
    _after = response.delivery == Delivery::Stall ? State::Silent : keepAlive ? State::Read : State::Drain;
    _state = State::Write;
    if (response.delay.count() > 0) {
        _due = std::chrono::steady_clock::now() + response.delay;
        _state = State::Delay;
    }
}

void Connection::refuse(int status)
{
    _output = serialise(HttpResponse::json(status, R"({"error":"The request breaks the rules of HTTP or is too large."})"), false,
                        false);
    _after = State::Drain;
    _state = State::Write;
}

void Connection::resetOnClose() noexcept
{
    const linger hard{1, 0};
    ::setsockopt(_descriptor, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

} // namespace tollgate::testing::sandbox
