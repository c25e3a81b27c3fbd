#include "transport/TlsTrust.h"

#include "transport/Failure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace tollgate::transport {

namespace {

// Where Linux distributions keep the bundle: Debian and Ubuntu, Fedora and RHEL, openSUSE, older RHEL, Alpine.
constexpr const char* bundleFiles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                       "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                       "/etc/ssl/cert.pem"};
constexpr const char* bundleDirectory = "/etc/ssl/certs";

std::string environment(const char* name)
{
    const char* value = ::secure_getenv(name); // nothing in a setuid program, whose caller would choose whom it trusts
    return value ? value : "";
}

bool loadFile(SSL_CTX* context, const std::string& path)
{
    const bool loaded = SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) == 1;
    ERR_clear_error();
    return loaded;
}

bool loadDirectories(SSL_CTX* context, const std::string& paths)
{
    // OpenSSL takes any directory and looks into it later, so look first.
    bool any = false;
    for (std::size_t begin = 0; begin <= paths.size();) {
        const std::size_t end = std::min(paths.find(':', begin), paths.size());
        std::error_code error;
        const std::filesystem::directory_iterator entries(paths.substr(begin, end - begin), error);
        any = any || (!error && entries != std::filesystem::directory_iterator());
        begin = end + 1;
    }
    const bool loaded = any && SSL_CTX_load_verify_locations(context, nullptr, paths.c_str()) == 1;
    ERR_clear_error();
    return loaded;
}

/// Tries places in turn and remembers how it went.
class Search
{
public:
    explicit Search(SSL_CTX* context) : _context(context) {}

    bool file(const std::string& path, const char* variable = "") { return note(loadFile(_context, path), variable, path); }
    bool directories(const std::string& paths, const char* variable = "")
    {
        return note(loadDirectories(_context, paths), variable, paths);
    }

    std::string result() const
    {
        if (_found.empty())
            fail<ConfigurationError>(
                fmt::format("no trusted certificates found; looked in {}", fmt::join(_tried, ", ")),
                "Install the ca-certificates package, or name a PEM file with SSL_CERT_FILE or TlsOptions::caFile.");
        return fmt::format("{}", fmt::join(_found, ", "));
    }

private:
    bool note(bool loaded, const char* variable, const std::string& place)
    {
        _tried.push_back(variable + place);
        if (loaded) _found.push_back(place);
        return loaded;
    }

    SSL_CTX* _context;
    std::vector<std::string> _tried;
    std::vector<std::string> _found;
};

} // namespace

std::string loadTrust(SSL_CTX* context, const TlsOptions& options)
{
    if (!options.caFile.empty()) {
        if (loadFile(context, options.caFile)) return options.caFile;
        fail<ConfigurationError>("no trusted certificates could be read from " + options.caFile,
                                 "caFile must name a readable PEM file with at least one certificate.");
    }

    Search search(context);
    // Who sets these variables means them: the system's bundle would trust more than was asked for.
    const std::string file = environment("SSL_CERT_FILE");
    const std::string directory = environment("SSL_CERT_DIR");
    if (!file.empty() || !directory.empty()) {
        if (!file.empty()) search.file(file, "SSL_CERT_FILE=");
        if (!directory.empty()) search.directories(directory, "SSL_CERT_DIR=");
        return search.result();
    }
    const bool found =
        std::any_of(std::begin(bundleFiles), std::end(bundleFiles), [&search](const char* path) { return search.file(path); });
    if (!found) search.directories(bundleDirectory);
    return search.result();
}

} // namespace tollgate::transport
