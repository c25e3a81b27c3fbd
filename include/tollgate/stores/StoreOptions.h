#pragma once

#include "tollgate/Clock.h"

#include <cstdint>
#include <memory>

namespace tollgate {

/// What happens while a shared store cannot be reached, read or written.
enum class StoreFailure : std::uint8_t
{
    SafeShare, ///< each process goes on from what it last saw, presumes that the others took as much again, and counts each of
               ///< its requests once for every process and once more: together they stay within what was left (docs/stores.md)
    Closed,    ///< nothing goes: calls fail with StoreUnavailable
    Open       ///< each process counts for itself: together they may use the limit as often as there are processes
};

/// What shared stores have in common.
struct TOLLGATE_API StoreOptions
{
    StoreFailure failure = StoreFailure::SafeShare;
    unsigned processes = 0;       ///< how many share the quota while the store cannot be reached; 0: as many as were seen lately
    std::shared_ptr<Clock> clock; ///< null: Clock::system()
};

} // namespace tollgate
