#include "transport/TlsStream.h"

#include "ForkMutex.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace tollgate::transport {

namespace {

// The BIO: send and recv on a descriptor that somebody else owns. MSG_NOSIGNAL, because a write to a closed connection must not
// kill a host program that never heard of SIGPIPE.

/// What a BIO works on.
struct Wire
{
    int descriptor;
    unsigned reads = 0; ///< since the stream was last asked for something
};

/// OpenSSL goes on by itself as long as there is input, and a peer may send what it skips (HelloRequests) without end. After so
/// many reads it is told to wait, so that deadline and cancellation are looked at; no honest step takes as many.
constexpr unsigned maxReads = 64;

Wire& wireOf(BIO* bio) noexcept { return *static_cast<Wire*>(BIO_get_data(bio)); }

bool wouldBlock(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

int bioWrite(BIO* bio, const char* data, std::size_t size, std::size_t* count)
{
    BIO_clear_retry_flags(bio);
    ssize_t sent = 0;
    do sent = ::send(wireOf(bio).descriptor, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        if (wouldBlock(errno)) BIO_set_retry_write(bio);
        return 0;
    }
    *count = static_cast<std::size_t>(sent);
    return 1;
}

int bioRead(BIO* bio, char* buffer, std::size_t capacity, std::size_t* count)
{
    BIO_clear_retry_flags(bio);
    Wire& wire = wireOf(bio);
    if (wire.reads++ >= maxReads) {
        BIO_set_retry_read(bio);
        return 0;
    }
    ssize_t got = 0;
    do got = ::recv(wire.descriptor, buffer, capacity, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        if (got == 0)
            BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
        else if (wouldBlock(errno))
            BIO_set_retry_read(bio);
        return 0;
    }
    *count = static_cast<std::size_t>(got);
    return 1;
}

long bioControl(BIO* bio, int command, long, void*)
{
    switch (command) {
    case BIO_CTRL_FLUSH: return 1; // nothing is held back here
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default: return 0;
    }
}

int bioDestroy(BIO* bio)
{
    delete &wireOf(bio);
    return 1;
}

BIO_METHOD* makeBioMethod()
{
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tollgate socket");
    if (!method) throw std::bad_alloc();
    BIO_meth_set_write_ex(method, bioWrite);
    BIO_meth_set_read_ex(method, bioRead);
    BIO_meth_set_ctrl(method, bioControl);
    BIO_meth_set_destroy(method, bioDestroy);
    return method;
}

BIO* makeBio(int descriptor)
{
    static BIO_METHOD* const method = makeBioMethod(); // lives as long as the process: streams may outlive static objects
    auto wire = std::make_unique<Wire>(Wire{descriptor});
    BIO* bio = BIO_new(method);
    if (!bio) throw std::bad_alloc();
    BIO_set_data(bio, wire.release());
    BIO_set_init(bio, 1);
    return bio;
}

// Set on each SSL object, so that no handler or event of the host program (Poco has global ones) decides about our peers.
int passThrough(int verified, X509_STORE_CTX*) { return verified; }

bool isIpAddress(const std::string& host) noexcept
{
    unsigned char address[16];
    return ::inet_pton(AF_INET, host.c_str(), address) == 1 || ::inet_pton(AF_INET6, host.c_str(), address) == 1;
}

void clearErrors() noexcept
{
    if (ERR_peek_error() != 0) ERR_clear_error();
}

/// OpenSSL's words, and plain ones before them where its own take an expert.
std::string explained(unsigned long error)
{
    const char* reason = ERR_reason_error_string(error);
    if (!reason) return "TLS failed for a reason that OpenSSL does not name";
    const char* plain = "";
    if (ERR_GET_LIB(error) == ERR_LIB_SSL) switch (ERR_GET_REASON(error))
        {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION: plain = "the peer speaks no version of TLS that is new enough"; break;
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST: plain = "the peer does not speak TLS"; break;
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        case SSL_R_NO_SHARED_CIPHER: plain = "the peer finds no cipher, key or certificate that both sides accept"; break;
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: plain = "the peer wants a client certificate"; break;
        default: return reason;
        }
    else
        return reason;
    return std::string(plain) + " (" + reason + ")";
}

SSL* makeSsl(SSL_CTX* context, int descriptor)
{
    const ForkSection inside;
    clearErrors();
    SSL* ssl = SSL_new(context);
    if (!ssl) throw std::bad_alloc();
    BIO* bio = nullptr;
    try {
        bio = makeBio(descriptor);
    } catch (...) {
        SSL_free(ssl);
        throw;
    }
    SSL_set_bio(ssl, bio, bio);
    // Record buffers live only while a record is in them: many connections that wait for an answer hold none.
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // One record a step: a peer that sends tickets without end must not keep us from looking at the clock.
    SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
    return ssl;
}

} // namespace

TlsStream::TlsStream(SSL* ssl, int descriptor) : _ssl(ssl), _descriptor(descriptor) {}

std::unique_ptr<TlsStream> TlsStream::client(SSL_CTX* context, int descriptor, const std::string& host)
{
    std::unique_ptr<TlsStream> stream(new TlsStream(makeSsl(context, descriptor), descriptor));
    SSL* ssl = stream->_ssl;
    std::string name = host;
    if (!name.empty() && name.back() == '.') name.pop_back(); // absolute DNS name; certificates and SNI have no dot

    bool named = false;
    if (isIpAddress(name))
        named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    else if (!name.empty() && name.front() != '.') // an empty name would match any certificate, ".com" any name below
    {
        // RFC 9110 section 4.3.4: the subject's common name is no identity
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        named = SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
    }
    if (!named) {
        clearErrors();
        throw std::invalid_argument("this host name cannot be verified: " + name);
    }
    SSL_set_verify(ssl, SSL_VERIFY_PEER, passThrough);
    SSL_set_connect_state(ssl);
    return stream;
}

std::unique_ptr<TlsStream> TlsStream::server(SSL_CTX* context, int descriptor)
{
    std::unique_ptr<TlsStream> stream(new TlsStream(makeSsl(context, descriptor), descriptor));
    SSL_set_accept_state(stream->_ssl);
    return stream;
}

TlsStream::~TlsStream()
{
    const ForkSection inside;
    // Without this OpenSSL takes the session for broken, and its newest ticket cannot be resumed.
    SSL_set_shutdown(_ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(_ssl);
}

void TlsStream::begin() noexcept
{
    wireOf(SSL_get_rbio(_ssl)).reads = 0;
    clearErrors();
    errno = 0;
}

TlsStep TlsStream::handshake()
{
    const ForkSection inside;
    begin();
    const TlsStep outcome = step(SSL_do_handshake(_ssl));
    if (outcome == TlsStep::Closed) {
        _brokenOff = true;
        return failed("the peer ended the connection during the TLS handshake");
    }
    if (outcome != TlsStep::Done || SSL_is_server(_ssl) != 0) return outcome;
    // OpenSSL has verified chain and name by now, or the look at a peer has let it pass: this is where it ends.
    _verified = SSL_get0_peer_certificate(_ssl) != nullptr && SSL_get_verify_result(_ssl) == X509_V_OK;
    if (_verified) return outcome;
    _certificateRejected = true;
    return failed("the peer showed no verified certificate");
}

TlsStep TlsStream::read(char* buffer, std::size_t capacity, std::size_t& count)
{
    const ForkSection inside;
    begin();
    return step(SSL_read_ex(_ssl, buffer, capacity, &count));
}

TlsStep TlsStream::write(const char* data, std::size_t size, std::size_t& count)
{
    const ForkSection inside;
    if (!_verified && SSL_is_server(_ssl) == 0) return failed("nothing is sent before the peer is verified");
    begin();
    return step(SSL_write_ex(_ssl, data, size, &count));
}

TlsStep TlsStream::failed(std::string why)
{
    _failure = std::move(why);
    clearErrors(); // a guest leaves nothing behind in the thread's queue
    return TlsStep::Failed;
}

TlsStep TlsStream::step(int result)
{
    if (result == 1) return TlsStep::Done;
    const int systemError = errno;
    const int error = SSL_get_error(_ssl, result);
    if (error == SSL_ERROR_WANT_READ) return TlsStep::WantRead;
    if (error == SSL_ERROR_WANT_WRITE) return TlsStep::WantWrite;
    if (error == SSL_ERROR_ZERO_RETURN) return TlsStep::Closed;

    // By the verify result first: the error code of a refused certificate varies with the version, this does not.
    const long verdict = SSL_get_verify_result(_ssl);
    if (verdict != X509_V_OK && SSL_is_server(_ssl) == 0) {
        _certificateRejected = true;
        return failed(X509_verify_cert_error_string(verdict));
    }
    _brokenOff = true;
    if (BIO_eof(SSL_get_rbio(_ssl)) != 0) return failed("the peer closed the connection without ending TLS (no close_notify)");
    if (error == SSL_ERROR_SYSCALL && systemError != 0) return failed(std::generic_category().message(systemError));
    _brokenOff = false;
    return failed(explained(ERR_peek_last_error())); // the last one is told by the outermost function
}

void TlsStream::shutdown() noexcept
{
    const ForkSection inside;
    if (SSL_is_init_finished(_ssl) == 0) return;
    clearErrors();
    SSL_shutdown(_ssl);
    clearErrors();
}

bool TlsStream::isAlive()
{
    const ForkSection inside;
    // Several rounds: two tickets may lie before an end. A peer that sends more of them while idle is not worth a connection.
    constexpr int maxRecords = 16;
    for (int record = 0; record < maxRecords; ++record) {
        char byte = 0;
        if (SSL_has_pending(_ssl) == 0) {
            ssize_t got = 0;
            do got = ::recv(_descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
            while (got < 0 && errno == EINTR);
            if (got == 0) return false;
            if (got < 0) return wouldBlock(errno);
        }
        begin();
        std::size_t count = 0;
        const TlsStep outcome = step(SSL_peek_ex(_ssl, &byte, 1, &count));
        if (outcome != TlsStep::WantRead) return false; // an end, a failure, or data that nobody asked for
    }
    return false;
}

void TlsStream::releaseBuffers() noexcept { SSL_free_buffers(_ssl); }

} // namespace tollgate::transport
