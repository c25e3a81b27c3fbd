#pragma once

#include "tollgate/Export.h"
#include "tollgate/QuotaStore.h"
#include "transport/Wait.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tollgate::stores {

/// The place where documents lie cannot be reached, read or written. Its text goes to people: it says why, and holds no secret.
class TOLLGATE_API BackendFailure : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// What becomes of a document.
struct Edited
{
    bool write = false; ///< else it stays as it is
    std::string bytes;
    bool durable = false; ///< must survive a power cut, not only the end of the process
    Duration keepFor{};   ///< may be dropped if nobody touched it for so long
    std::string spoiled;  ///< what lay there and could not be read: to be put aside, not lost
};

/// Where a shared store keeps its documents, one an account. One thread at a time uses it. It waits under the caller's watch
/// alone, and passes on what that throws.
class Backend
{
public:
    /// The document's bytes (empty: there is none) and the store's own time. May run more than once, and may throw.
    using Edit = std::function<Edited(std::string_view bytes, TimePoint now)>;

    virtual ~Backend() = default;

    /// Reads, edits and writes atomically. Throws BackendFailure, and what the edit throws: then nothing was written, but for a
    /// failure after the last word was sent.
    virtual void transact(const QuotaKey& key, const Edit& edit, transport::Watch& watch) = 0;

    /// The naming key of this place; `proposal` becomes it if there is none. Throws BackendFailure.
    virtual Secret namingKey(const Secret& proposal, transport::Watch& watch) = 0;

    /// How long the place may keep silent before that is a BackendFailure.
    virtual Duration patience() const = 0;

    /// Whether it would be found as it is, without making anything anew.
    virtual bool isThere() noexcept { return true; }

    /// Names the clock that transact() tells the time by.
    virtual std::string domain() const = 0;

    /// What is it, for messages: "the quota store /var/lib/x/quota.db".
    virtual std::string describe() const = 0;

    /// Nothing that the child must not share may be open when the process forks.
    virtual void beforeFork() noexcept {}
    /// In the child: what belongs to the parent is not touched any more.
    virtual void inForkedChild() noexcept {}
};

} // namespace tollgate::stores
