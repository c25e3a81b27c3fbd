#pragma once

#include "tollgate/Secret.h"

#include <functional>
#include <memory>
#include <string>

namespace tollgate {

/// Where a secret comes from. A source has versions: when the key is rotated, current() answers the new one and the requests
/// that are sent from then on use it, without a restart. Thread-safe.
class TOLLGATE_API CredentialSource
{
public:
    virtual ~CredentialSource() = default;

    /// The newest version. Never waits for a network. Throws MissingCredential with the reason and the source's name.
    virtual Secret current() = 0;

    /// Names the slot the secret lives in, never the secret: "environment variable BENTOO_API_KEY". Does not change at rotation,
    /// so limits and lockouts that belong to the account are kept under it. Empty if it has no name (fixedSource).
    virtual std::string slot() const = 0;

    /// Looks again now, for a source that does not notice by itself (the environment).
    virtual void reload() {}
};

using CredentialSourcePtr = std::shared_ptr<CredentialSource>;

/// One secret that never changes.
TOLLGATE_API CredentialSourcePtr fixedSource(Secret secret);

/// An environment variable, read now and at reload() only: reading it while another thread writes it would be a data race.
/// Throws MissingCredential, naming the variable, if it is unset or empty.
TOLLGATE_API CredentialSourcePtr environmentSource(const std::string& name);

/// A file that holds the secret and perhaps a final line break. It is read again when its time stamp, size or inode changes (one
/// stat per request); if that read fails, the last good version stays in use. Throws MissingCredential if it cannot be read now.
TOLLGATE_API CredentialSourcePtr fileSource(const std::string& path);

/// Whatever `callback` answers, asked before each attempt. It must be thread-safe and must not wait. `slot` names the account in
/// messages, and limits and lockouts are kept under it: one name for each account.
TOLLGATE_API CredentialSourcePtr callbackSource(std::string slot, std::function<Secret()> callback);

} // namespace tollgate
