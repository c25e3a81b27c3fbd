#pragma once

#include "tollgate/Export.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace tollgate {

namespace detail {
struct CancellationState;
}

/// Keeps a callback registered with a CancellationToken; its destructor takes it back and, if the callback runs on another
/// thread just then, waits for its end.
class TOLLGATE_API CancellationRegistration
{
public:
    CancellationRegistration() noexcept = default;
    CancellationRegistration(CancellationRegistration&& other) noexcept;
    CancellationRegistration& operator=(CancellationRegistration&& other) noexcept;
    ~CancellationRegistration();

private:
    friend class CancellationToken;
    std::shared_ptr<detail::CancellationState> _state;
    std::uint64_t _id = 0;
};

/// Asks whether somebody wants the call to stop. Cheap to copy; thread-safe. An empty token is never cancelled.
class TOLLGATE_API CancellationToken
{
public:
    CancellationToken() noexcept = default;

    bool isCancelled() const noexcept;

    /// False for an empty token: nobody can ever cancel it.
    bool canBeCancelled() const noexcept { return _state != nullptr; }

    /// A token that is cancelled as soon as one of the two is.
    static CancellationToken either(const CancellationToken& one, const CancellationToken& other);

    /// Runs `callback` once when cancelled: on the cancelling thread, or at once on this one if that has happened already.
    /// The callback must be short and must not throw.
    [[nodiscard]] CancellationRegistration onCancel(std::function<void()> callback) const;

private:
    friend class CancellationSource;
    CancellationRegistration on(std::function<void()> callback, bool link) const;
    std::shared_ptr<detail::CancellationState> _state;
};

/// Cancels all calls that hold its token: in every phase, the waits for a permit and the back-offs included. Thread-safe.
class TOLLGATE_API CancellationSource
{
public:
    CancellationSource();
    CancellationToken token() const noexcept;
    /// Idempotent. Runs the registered callbacks on this thread.
    void cancel();

private:
    CancellationToken _token;
};

} // namespace tollgate
