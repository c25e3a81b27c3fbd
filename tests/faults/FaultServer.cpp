#include "FaultServer.h"

#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace tollgate::faults {

using transport::TlsStep;
using transport::TlsStream;
using transport::test::Peer;

namespace {

constexpr std::size_t beginning = 64 * 1024; // of an upload
const std::string garbage("\x00\xff\x01 what is this\r\n\r\n", 20);

void sendRaw(const Peer& peer, const std::string& bytes) { ::send(peer.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }

/// Until the client ends the connection or the server goes away.
void awaitEnd(const Peer& peer)
{
    while (!peer.ended) {
        pollfd state{peer.descriptor(), POLLRDHUP, 0};
        if (::poll(&state, 1, 20) != 0) return;
    }
}

/// What a TLS server would send after the ClientHello that arrives: the whole flight.
std::string flightFor(const Peer& peer, SSL_CTX* context, bool finishApart)
{
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context), SSL_free);
    if (finishApart) SSL_set_max_proto_version(ssl.get(), TLS1_2_VERSION);
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), in, out);
    SSL_set_accept_state(ssl.get());
    while (BIO_ctrl_pending(out) == 0) {
        pollfd ready{peer.descriptor(), POLLIN, 0};
        char hello[4096];
        if (::poll(&ready, 1, 20'000) <= 0) return {};
        const ssize_t count = ::recv(peer.descriptor(), hello, sizeof hello, 0);
        if (count <= 0) return {};
        BIO_write(in, hello, static_cast<int>(count));
        SSL_do_handshake(ssl.get());
    }
    std::string flight(BIO_ctrl_pending(out), 0);
    BIO_read(out, flight.data(), static_cast<int>(flight.size()));
    return flight;
}

} // namespace

void commit(Fault fault, Peer& peer, const std::string& rest, bool overTls, std::atomic<bool>& begun)
{
    switch (fault) {
    case Fault::Reset: peer.reset(); break;
    case Fault::Close: peer.close(); break;
    case Fault::Notify: peer.closeNotify(); break;
    case Fault::HalfClose:
        peer.shutdownWrite();
        begun = true;
        peer.readToEnd();
        break;
    case Fault::Deaf:
        ::shutdown(peer.descriptor(), SHUT_RD);
        peer.send(rest);
        peer.closeNotify();
        break;
    case Fault::Stall:
        begun = true;
        awaitEnd(peer);
        break;
    case Fault::Drip:
        if (rest.empty()) {
            char byte = 0;
            while (!peer.ended && ::recv(peer.descriptor(), &byte, 1, 0) > 0) Peer::pause(dripInterval);
        } else
            for (std::size_t i = 0; i < rest.size() && !peer.ended && peer.send(rest.substr(i, 1)); ++i)
                Peer::pause(dripInterval);
        awaitEnd(peer);
        break;
    case Fault::Garbage:
        if (overTls)
            sendRaw(peer, garbage);
        else
            peer.send(garbage);
        begun = true;
        awaitEnd(peer);
        break;
    }
    begun = true;
}

FaultServer::FaultServer(const Case& each, SSL_CTX* tls)
    : _case(each)
    , _tls(tls)
    , _server([this](Peer& peer) { script(peer); }, each.tls && !each.inHandshake() ? tls : nullptr)
{}

std::string FaultServer::url(const std::string& target) const
{
    return (_case.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(_server.port()) + target;
}

void FaultServer::script(Peer& peer)
{
    const int on = 1; // what was sent before a reset has left
    ::setsockopt(peer.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (_case.inHandshake()) {
        if (peer.index == 0)
            faultHandshake(peer);
        else
            serveTls(peer);
        return;
    }
    if (peer.index > 0) return serve(peer);

    const std::string sound = answerOf(Framing::Length);
    if (_case.reused && (peer.readRequest().empty() || !peer.send(sound))) return;
    if (_case.place == Place::Idle) {
        commit(_case.fault, peer, {}, _case.tls, _faulted);
        return;
    }
    if (_case.place != Place::Accept && !takeRequest(peer)) return;
    const std::string answer = answerOf(_case.framing);
    if (_case.sent > 0 && !peer.send(answer.substr(0, _case.sent))) return;
    commit(_case.fault, peer, _case.place == Place::Upload ? "" : answer.substr(_case.sent), _case.tls, _faulted);
    if (peer.received() > 0 && _case.place == Place::Accept) ++_seen;
}

bool FaultServer::takeRequest(Peer& peer)
{
    if (_case.place == Place::Upload) {
        const std::size_t before = peer.received();
        while (peer.received() < before + beginning)
            if (!peer.readSome()) return false;
    } else if (peer.readRequest().empty())
        return false;
    ++_seen;
    return true;
}

void FaultServer::serve(Peer& peer)
{
    for (std::string request = peer.readRequest(); !request.empty(); request = peer.readRequest()) {
        if (request.find(" /fault ") != std::string::npos) ++_seen;
        if (!peer.send(answerOf(Framing::Length))) return;
    }
}

void FaultServer::faultHandshake(Peer& peer)
{
    std::string flight;
    if (_case.place != Place::HelloUnread) {
        flight = flightFor(peer, _tls, _case.place == Place::Finish);
        if (flight.empty()) return;
    }
    constexpr std::size_t inServerHello = 20;
    std::size_t size = 0;
    if (_case.place == Place::ServerHello) size = inServerHello;
    if (_case.place == Place::Flight) size = flight.size() / 2;
    if (_case.place == Place::Finish) size = flight.size();
    sendRaw(peer, flight.substr(0, size));
    if (_case.fault != Fault::Garbage) return commit(_case.fault, peer, flight.substr(size), false, _faulted);
    for (int i = 0; i < 200; ++i) sendRaw(peer, garbage); // more than the record has room for
    awaitEnd(peer);
}

void FaultServer::serveTls(Peer& peer)
{
    const auto stream = TlsStream::server(_tls, peer.descriptor());
    const auto settle = [&](auto&& step) {
        for (;;) {
            const TlsStep came = step();
            if (came == TlsStep::Done) return true;
            if (came == TlsStep::Failed || came == TlsStep::Closed) return false;
            pollfd ready{peer.descriptor(), static_cast<short>(came == TlsStep::WantWrite ? POLLOUT : POLLIN), 0};
            if (::poll(&ready, 1, 20'000) <= 0) return false;
        }
    };
    if (!settle([&] { return stream->handshake(); })) return;
    const std::string answer = answerOf(Framing::Length);
    for (std::string input;;) {
        char buffer[4096];
        std::size_t count = 0;
        if (!settle([&] { return stream->read(buffer, sizeof buffer, count); })) return;
        input.append(buffer, count);
        if (input.find("\r\n\r\n") == std::string::npos) continue;
        if (input.find(" /fault ") != std::string::npos) ++_seen;
        input.clear();
        if (!settle([&] { return stream->write(answer.data(), answer.size(), count); })) return;
    }
}

} // namespace tollgate::faults
