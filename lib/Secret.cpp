#include "tollgate/Secret.h"

#include "ForkMutex.h"
#include "tollgate/Error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <vector>

namespace tollgate {

namespace {

/// Drawn once per process, so that fingerprints mean nothing outside.
const std::array<unsigned char, 32>& fingerprintKey()
{
    static const auto key = [] {
        std::array<unsigned char, 32> bytes{};
        if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
            throw ConfigurationError("the system gives no random numbers", "OpenSSL's RAND_bytes failed; check /dev/urandom.");
        return bytes;
    }();
    return key;
}

std::string fingerprintOf(const std::vector<char>& bytes)
{
    const ForkSection inside;
    const auto& key = fingerprintKey();
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
         bytes.size(), digest.data(), &size);
    std::string text;
    for (unsigned i = 0; i < 16; ++i) {
        text += "0123456789abcdef"[digest[i] >> 4];
        text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
}

[[noreturn]] void missing(std::string message, std::string hint)
{
    ErrorDetails details;
    details.message = std::move(message);
    details.hint = std::move(hint);
    throw MissingCredential(std::move(details));
}

} // namespace

struct Secret::Buffer
{
    explicit Buffer(std::string_view text) : bytes(text.begin(), text.end()), fingerprint(fingerprintOf(bytes)) {}
    ~Buffer() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    std::vector<char> bytes; ///< never resized, so no copy is left behind
    std::string fingerprint;
};

Secret::Secret(std::string_view text)
{
    if (!text.empty()) _buffer = std::make_shared<const Buffer>(text);
}

Secret Secret::fromEnvironment(const std::string& name)
{
    const char* value = std::getenv(name.c_str());
    if (!value)
        missing("the environment variable " + name + " is not set",
                "Set it in the environment of this program: export " + name +
                    "=... A variable of your shell that is not exported is not seen.");
    if (!*value) missing("the environment variable " + name + " is empty", "Give it the credential: export " + name + "=...");
    return Secret(value);
}

Secret Secret::fromFile(const std::string& path)
{
    std::FILE* file = std::fopen(path.c_str(), "rbe");
    if (!file)
        missing("the credential file " + path + " cannot be read: " + std::generic_category().message(errno),
                "Check that the path is right and that this program's user may read it.");
    // Unbuffered, so that stdio keeps no copy; one byte more than is allowed tells "too large".
    std::setvbuf(file, nullptr, _IONBF, 0);
    std::array<char, 64 * 1024 + 1> content{};
    const std::size_t size = std::fread(content.data(), 1, content.size(), file);
    const bool failed = std::ferror(file) != 0;
    const int reason = errno;
    std::fclose(file);

    std::string_view text(content.data(), size);
    if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    Secret secret(size <= 64 * 1024 && !failed ? text : std::string_view{});
    OPENSSL_cleanse(content.data(), content.size());
    if (failed)
        missing("the credential file " + path + " cannot be read: " + std::generic_category().message(reason),
                "It must be a readable file.");
    if (size > 64 * 1024)
        missing("the credential file " + path + " is larger than 64 KiB", "It must hold the credential and nothing else.");
    if (secret.empty()) missing("the credential file " + path + " is empty", "Write the credential into it, without quotes.");
    return secret;
}

std::string_view Secret::expose() const noexcept
{
    return _buffer ? std::string_view(_buffer->bytes.data(), _buffer->bytes.size()) : std::string_view{};
}

const std::string& Secret::fingerprint() const noexcept
{
    static const std::string none;
    return _buffer ? _buffer->fingerprint : none;
}

std::string_view Secret::lastFour() const noexcept
{
    const auto text = expose();
    return text.size() < 12 ? std::string_view{} : text.substr(text.size() - 4);
}

bool Secret::equal(const Secret& a, const Secret& b) noexcept
{
    const auto x = a.expose();
    const auto y = b.expose();
    return x.size() == y.size() && CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

std::string whyNotACredential(std::string_view text)
{
    if (text.empty()) return "it is empty";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\r' || c == '\n') return "it holds a line break, perhaps copied along with the key or added by an encoder";
        if (byte < 0x20 && c != '\t') return "it holds a control character";
        if (byte == 0x7f) return "it holds a control character";
    }
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    if (blank(text.front()) || blank(text.back())) return "it begins or ends with white space, perhaps copied along with the key";
    if (text.find_first_of(" \t") != std::string_view::npos) return "it holds white space";
    if (text.find("{{") != std::string_view::npos || text.find("}}") != std::string_view::npos)
        return "it holds {{ or }}: a place holder from sample code that was never filled in";
    if (text.front() == '<' && text.back() == '>')
        return "it stands in <angle brackets>: a place holder that was never filled in";
    if (text.find_first_of("<>") != std::string_view::npos) return "it holds < or >, as place holders do";
    if (text.size() > 1 && (text.front() == '"' || text.front() == '\'') && text.front() == text.back())
        return "it stands in quotation marks, which belong to the shell or the file and not to the key";
    return {};
}

} // namespace tollgate
