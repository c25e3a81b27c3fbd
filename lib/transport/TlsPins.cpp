#include "transport/TlsPins.h"

#include "transport/Failure.h"
#include "transport/TlsHost.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string_view>

namespace tollgate::transport {

namespace {

constexpr std::size_t digestSize = 32;  // SHA-256
constexpr std::size_t encodedSize = 44; // the same in base64

using Digest = std::array<unsigned char, digestSize>;

std::string base64(const Digest& digest)
{
    std::array<unsigned char, encodedSize + 1> text{}; // OpenSSL adds a NUL
    EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
    return {text.begin(), text.end() - 1};
}

/// The pin without its prefix, or nothing if it is not a SHA-256 in the one base64 form it has.
std::string canonical(std::string_view pin)
{
    constexpr std::string_view prefix = "sha256/";
    if (pin.size() == prefix.size() + encodedSize && pin.substr(0, prefix.size()) == prefix) pin.remove_prefix(prefix.size());
    if (pin.size() != encodedSize) return {};
    std::array<unsigned char, digestSize + 1> decoded{}; // the padding counts as a byte
    const int size = EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(pin.data()), encodedSize);
    if (size != static_cast<int>(decoded.size())) return {};
    Digest digest{};
    std::copy_n(decoded.begin(), digest.size(), digest.begin());
    return base64(digest) == pin ? std::string(pin) : std::string();
}

} // namespace

TlsPins::TlsPins(const std::vector<PublicKeyPin>& pins)
{
    for (const PublicKeyPin& pin : pins) {
        const std::string host = hostOfOption(pin.host, "TlsOptions::pins");
        const std::string value = canonical(pin.sha256);
        if (value.empty())
            fail<ConfigurationError>(
                fmt::format("the public key pin for {} is not the base64 of a SHA-256: '{}'", host, pin.sha256),
                "A pin has 44 characters and ends with '='; tlsReport() shows those of a server's chain.");
        _pins[host].push_back(value);
    }
}

bool TlsPins::accept(const std::string& host, const STACK_OF(X509) * chain) const
{
    const auto found = _pins.find(host);
    if (found == _pins.end()) return true;
    const std::vector<std::string>& pins = found->second;
    for (int i = 0; i < sk_X509_num(chain); ++i)
        if (std::find(pins.begin(), pins.end(), publicKeyPin(sk_X509_value(chain, i))) != pins.end()) return true;
    return false;
}

std::string publicKeyPin(const X509* certificate)
{
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) throw std::bad_alloc();
    const auto release = [](unsigned char* bytes) { OPENSSL_free(bytes); };
    const std::unique_ptr<unsigned char, decltype(release)> owner(der, release);
    Digest digest{};
    if (EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
    return base64(digest);
}

} // namespace tollgate::transport
