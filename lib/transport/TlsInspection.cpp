#include "transport/TlsInspection.h"

#include "Excerpt.h"
#include "ForkMutex.h"
#include "transport/Failure.h"
#include "transport/TlsPins.h"

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <string_view>

namespace tollgate::transport {

namespace {

/// Names come from a stranger and go to terminals and logs.
std::string text(const X509_NAME* name)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    // The common name first; control characters are escaped, letters beyond ASCII are not.
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return size > 0 ? excerpt({bytes, static_cast<std::size_t>(size)}, std::string::npos) : std::string();
}

WallTime time(const ASN1_TIME* time)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return WallTime(std::chrono::seconds(::timegm(&parts)));
}

/// DNS names are ASCII.
std::string printable(const ASN1_STRING* name)
{
    std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
                     static_cast<std::size_t>(ASN1_STRING_length(name)));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char each) { return each <= ' ' || each >= 0x7f; }, '?');
    return text;
}

std::string ipText(const ASN1_OCTET_STRING* address)
{
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    const int size = ASN1_STRING_length(address);
    if (size != 4 && size != 16) return "?";
    ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), buffer.data(), buffer.size());
    return buffer.data();
}

/// "DNS:..." and "IP:...", what hosts are verified by; other kinds of names are nothing to us.
std::vector<std::string> namesOf(const X509* certificate)
{
    std::vector<std::string> names;
    const auto* found = X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr);
    const std::unique_ptr<const GENERAL_NAMES, void (*)(const GENERAL_NAMES*)> all(
        static_cast<const GENERAL_NAMES*>(found),
        [](const GENERAL_NAMES* each) { GENERAL_NAMES_free(const_cast<GENERAL_NAMES*>(each)); });
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS)
            names.push_back("DNS:" + printable(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            names.push_back("IP:" + ipText(name->d.iPAddress));
    }
    return names;
}

TlsCertificate described(const X509* certificate)
{
    TlsCertificate description;
    description.subject = text(X509_get_subject_name(certificate));
    description.issuer = text(X509_get_issuer_name(certificate));
    description.names = namesOf(certificate);
    description.validFrom = time(X509_get0_notBefore(certificate));
    description.validUntil = time(X509_get0_notAfter(certificate));
    description.pin = publicKeyPin(certificate);
    return description;
}

std::string listed(const std::vector<std::string>& names)
{
    constexpr std::size_t most = 8;
    const std::size_t shown = std::min(names.size(), most);
    std::string list = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (names.size() > shown) list += fmt::format(" and {} more", names.size() - shown);
    return list;
}

std::string day(WallTime time) { return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(WallTime::clock::to_time_t(time))); }

/// What is wrong with the chain, for somebody who has never read a certificate.
std::string problemOf(long verdict, const TlsReport& report)
{
    const TlsCertificate own = report.chain.empty() ? TlsCertificate() : report.chain.front();
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return own.names.empty() ? fmt::format("the certificate names no host, so it is not for {}", report.host)
                                 : fmt::format("the certificate is not for {}, but for {}", report.host, listed(own.names));
    case X509_V_ERR_CERT_HAS_EXPIRED: {
        for (const TlsCertificate& each : report.chain)
            if (each.validUntil < WallTime::clock::now())
                return fmt::format("the certificate of {} expired on {}", each.subject, day(each.validUntil));
        return "a certificate of the chain has expired";
    }
    case X509_V_ERR_CERT_NOT_YET_VALID: {
        for (const TlsCertificate& each : report.chain)
            if (each.validFrom > WallTime::clock::now())
                return fmt::format("the certificate of {} is not valid before {}; is this machine's clock right?", each.subject,
                                   day(each.validFrom));
        return "a certificate of the chain is not valid yet; is this machine's clock right?";
    }
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "the certificate is self-signed: nobody who is trusted vouches for it";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return fmt::format(
            "the chain leads to nobody who is trusted: {} is not among {}, or the server leaves out a certificate in between",
            report.chain.empty() ? "its issuer" : report.chain.back().issuer, report.trust);
    case X509_V_ERR_INVALID_PURPOSE: return "the certificate is not meant for servers";
    default: return X509_verify_cert_error_string(verdict);
    }
}

void handshake(TlsStream& stream, const Connection& connection, Watch& watch, PhaseLimit& limit)
{
    for (;;) {
        watch.check(limit);
        const TlsStep step = stream.handshake();
        if (step == TlsStep::Done || step == TlsStep::Failed || step == TlsStep::Closed) return;
        watch.wait(connection.descriptor(), step == TlsStep::WantWrite ? POLLOUT : POLLIN, limit);
    }
}

void describeChain(const SSL* ssl, TlsReport& report)
{
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; i < sk_X509_num(chain); ++i) report.chain.push_back(described(sk_X509_value(chain, i)));
}

void describeSession(SSL* ssl, TlsReport& report)
{
    report.version = SSL_get_version(ssl);
    report.cipher = SSL_get_cipher_name(ssl);
    const char* group = SSL_group_to_name(ssl, static_cast<int>(SSL_get_negotiated_group(ssl)));
    if (group) report.group = group;
}

} // namespace

TlsReport inspectTls(TlsContext& context, const Connection& connection, Watch& watch, PhaseLimit limit)
{
    const auto stream = context.look(connection.descriptor(), connection.origin());
    handshake(*stream, connection, watch, limit);
    if (stream->brokenOff())
        fail<TlsError>("the TLS handshake broke off: " + stream->failure(),
                       "Check that the port speaks TLS, and that nothing in between interferes.");

    const ForkSection inside;
    TlsReport report;
    report.host = connection.origin().host;
    report.port = connection.origin().port;
    report.address = connection.address();
    report.trust = context.trust();
    SSL* ssl = stream->native();
    describeChain(ssl, report);
    if (SSL_is_init_finished(ssl) != 0) describeSession(ssl, report);
    report.clientCertificateAsked = TlsContext::certificateAsked(*stream);
    int signature = NID_undef;
    report.clientCertificateShown = report.clientCertificateAsked && SSL_get_signature_nid(ssl, &signature) == 1;
    report.problem = TlsContext::pinMismatch(*stream);
    if (const long verdict = SSL_get_verify_result(ssl); report.problem.empty() && verdict != X509_V_OK)
        report.problem = problemOf(verdict, report);
    if (report.problem.empty()) report.problem = stream->failure();
    report.verified = report.problem.empty();
    stream->shutdown();
    return report;
}

} // namespace tollgate::transport
