#pragma once

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace tollgate::testing::sandbox {

/// A certificate authority made for this run, and a server certificate of it for 127.0.0.1, ::1 and localhost. Keys are P-256 and
/// never leave the process; the authority's key is gone when the constructor returns.
class Certificates
{
public:
    /// Writes the authority's certificate to a new file in the temporary folder. Throws Poco::Exception.
    Certificates();
    /// Removes the file.
    ~Certificates();
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    const std::string& caFile() const noexcept { return _caFile; }
    /// For servers: TLS 1.2 and newer.
    const std::shared_ptr<ssl_ctx_st>& context() const noexcept { return _context; }

private:
    std::shared_ptr<ssl_ctx_st> _context;
    std::string _caFile;
};

} // namespace tollgate::testing::sandbox
