#pragma once

#include "tollgate/Export.h"
#include "tollgate/QuotaStore.h"

#include <map>
#include <string>

/// How a process counts on while the shared store is out of reach, and how what it counted comes home.
namespace tollgate::stores {

/// The windows of an account's limits as far as its logs tell: the longest time that a slot was seen to be taken ahead. A state
/// does not say how long its windows are.
class TOLLGATE_API ObservedHolds
{
public:
    void look(const QuotaState& state, TimePoint now);
    Duration of(const std::string& limit) const;
    Duration longest() const;

private:
    std::map<std::string, Duration> _holds;
};

/// What this process counted by itself.
class TOLLGATE_API Island
{
public:
    /// Goes on from the state as it was last seen. With `share` > 1 the others are presumed to do so too.
    Island(QuotaState lastSeen, unsigned share, TimePoint seenAt, TimePoint now, const ObservedHolds& holds);

    QuotaState& state() noexcept { return _state; }
    /// In a forked child: its permits must not be those that the parent draws.
    void drawApart();
    /// Brings what was counted here into `state`; `by` is the store's time less ours.
    void returnTo(QuotaState& state, Duration by) const;

private:
    QuotaState _before;
    QuotaState _state;
    unsigned _share;
};

/// Those whom we cannot see presumably took, since we looked, as much again as counted then, if so much was free.
TOLLGATE_API void presumeTaken(QuotaState& state, TimePoint seenAt, TimePoint now, const ObservedHolds& holds);

/// Permits that several processes draw without knowing of each other must differ, and be newer than all before.
TOLLGATE_API void drawApart(QuotaState& state);

/// Forgets those presumptions.
TOLLGATE_API void dropPresumed(QuotaState& state);

} // namespace tollgate::stores
