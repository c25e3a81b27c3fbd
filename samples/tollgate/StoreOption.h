#pragma once

#include "tollgate/QuotaStore.h"

#include <optional>
#include <string>
#include <vector>

namespace tollgate::command {

/// --store: where limits and lockouts are kept between two runs of the command.
class StoreOption
{
public:
    /// Reads a path, "redis:ADDRESS" or "none"; without one it is quota.db in the user's state directory. Throws UsageError.
    explicit StoreOption(const std::optional<std::string>& text);

    /// The store for sending requests; null: this process counts for itself. A store that was asked for and cannot be opened
    /// throws ConfigurationError. The default one never does: it says on standard error what is wrong and goes without.
    /// `limited`: limits were asked for, so it says so too if this build can keep none.
    QuotaStorePtr open(bool limited = false) const;

    /// The store for looking into. Throws ConfigurationError, also for the default one.
    QuotaStorePtr openToLook() const { return openThis(true); }
    /// Throws UsageError or ConfigurationError if there is nothing to look into.
    void mustKeep() const;
    /// The accounts that it knows; nothing if it cannot list them. Makes no store.
    std::optional<std::vector<QuotaKey>> accounts() const;

    /// For messages: the path, or the address.
    const std::string& place() const noexcept { return _place; }

private:
    enum class Kind
    {
        None,
        File,
        Redis
    };
    QuotaStorePtr openThis(bool asked) const;

    Kind _kind = Kind::File;
    bool _asked = false; ///< by the user; else it is the default
    std::string _place;  ///< empty: there is no place for the default one
};

/// For --help.
inline constexpr const char* storeHelp = "Where limits and lockouts are kept between runs: a file, redis:ADDRESS, or none "
                                         "(default: quota.db in $XDG_STATE_HOME/tollgate or ~/.local/state/tollgate)";

} // namespace tollgate::command
