#include "limits/Naming.h"

#include "ForkMutex.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <string_view>

namespace tollgate::limits {

namespace {

constexpr std::size_t nameBytes = 16;

std::string hexadecimal(const unsigned char* bytes)
{
    std::string text;
    for (std::size_t i = 0; i < nameBytes; ++i) {
        text += "0123456789abcdef"[bytes[i] >> 4];
        text += "0123456789abcdef"[bytes[i] & 15];
    }
    return text;
}

} // namespace

std::string nameInStore(const Secret& storeKey, const std::vector<Secret>& secrets)
{
    std::string all;
    std::size_t size = 0;
    for (const Secret& secret : secrets) size += secret.expose().size() + 24;
    all.reserve(size); // so that no copy is left behind
    for (const Secret& secret : secrets) {
        all += std::to_string(secret.expose().size()); // two secrets are not one long one
        all += ':';
        all += secret.expose();
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned digestSize = 0;
    const ForkSection inside;
    HMAC(EVP_sha256(), storeKey.expose().data(), static_cast<int>(storeKey.expose().size()),
         reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data(), &digestSize);
    OPENSSL_cleanse(all.data(), all.size());
    return hexadecimal(digest.data());
}

std::string accountName(const std::string& realm, const Secret& secret)
{
    constexpr int iterations = 1000; // keys are long random texts: this only keeps their names from being looked up
    const std::string salt = "tollgate account " + realm;
    std::array<unsigned char, nameBytes> derived{};
    const ForkSection inside;
    PKCS5_PBKDF2_HMAC(secret.expose().data(), static_cast<int>(secret.expose().size()),
                      reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), iterations,
                      EVP_sha256(), static_cast<int>(derived.size()), derived.data());
    return "key " + hexadecimal(derived.data());
}

} // namespace tollgate::limits
