#pragma once

#include "tollgate/Export.h"

#include <memory>
#include <string>
#include <string_view>

namespace tollgate {

/// Key material. Zeroed when the last copy goes, compared in constant time, and not printable: there is no operator<<, no
/// formatter and no conversion to a string. Copies share one buffer. Immutable, thread-safe.
class TOLLGATE_API Secret
{
public:
    /// No secret: empty() is true.
    Secret() noexcept = default;

    /// Copies the text. What the caller keeps of it is the caller's to wipe.
    explicit Secret(std::string_view text);

    /// The value of an environment variable, byte for byte. Throws MissingCredential, naming the variable, if it is unset or
    /// empty.
    static Secret fromEnvironment(const std::string& name);

    /// The content of a file without its final line break. Throws MissingCredential, naming the path and the reason.
    static Secret fromFile(const std::string& path);

    bool empty() const noexcept { return !_buffer; }

    /// The bytes, for the one who puts them on the wire. Valid as long as this Secret or a copy lives. Do not store or log.
    std::string_view expose() const noexcept;

    /// Names this version of the secret in logs and state: 16 bytes of an HMAC-SHA-256 under a key drawn once per process, in
    /// hexadecimal. Equal secrets have equal fingerprints within the process; nothing can be told from it outside.
    const std::string& fingerprint() const noexcept;

    /// The last four characters if the secret has at least twelve, else nothing: what vendors show as a key's id.
    std::string_view lastFour() const noexcept;

    friend bool operator==(const Secret& a, const Secret& b) noexcept { return equal(a, b); }
    friend bool operator!=(const Secret& a, const Secret& b) noexcept { return !equal(a, b); }

private:
    struct Buffer;
    static bool equal(const Secret& a, const Secret& b) noexcept;
    std::shared_ptr<const Buffer> _buffer;
};

/// Why this text cannot be a real credential, in plain words, or an empty string if it may be one: empty, white space or line
/// breaks inside or around it, control characters, or a place holder such as {{token}} or <token> that was never filled in.
/// The text itself is never part of the answer.
TOLLGATE_API std::string whyNotACredential(std::string_view text);

} // namespace tollgate
