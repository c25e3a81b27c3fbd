#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Error.h"
#include "tollgate/providers/FieldValue.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What goes to Bento and comes from it, as plain values. Ids are text, whatever the wire has.
namespace tollgate::bento {

struct TOLLGATE_API Tag
{
    std::string id;
    std::string name;
    std::string createdAt;  ///< ISO 8601, as sent
    bool discarded = false; ///< deleteTag() toggles it
};

/// A custom field of the site.
struct TOLLGATE_API Field
{
    std::string id;
    std::string key;  ///< "loyalty_points"
    std::string name; ///< "Loyalty Points"
};

/// A person as Bento knows them.
struct TOLLGATE_API Subscriber
{
    std::string id;
    std::string uuid;
    std::string email;
    Fields fields;                 ///< those that are set, first_name and last_name among them; nested ones as JSON text
    std::vector<std::string> tags; ///< names
    std::vector<std::string> tagIds;
    std::string unsubscribedAt; ///< ISO 8601; empty: subscribed
};

/// One row of an import: creates the person or updates what is given. Never starts an automation.
struct TOLLGATE_API SubscriberRow
{
    std::string email;
    std::string firstName = {}; ///< empty: left as it is, like all that is not given
    std::string lastName = {};
    std::vector<std::string> tags = {}; ///< added; Bento makes those it does not know. No commas: Bento splits there
    std::vector<std::string> removeTags = {};
    Fields fields = {};                     ///< custom ones, and Bento's own such as utm_source or lifetime_value_amount (cents)
    std::optional<WallTime> createdAt = {}; ///< backfills when the person signed up
};

/// Rows one by one, for imports that are not in memory: nothing is the end.
using RowSource = std::function<std::optional<SubscriberRow>()>;

struct TOLLGATE_API Money
{
    std::int64_t cents = 0;
    std::string currency; ///< ISO 4217: "USD"
};

/// Something a person did. Starts automations; unknown people are created.
struct TOLLGATE_API Event
{
    std::string type; ///< "$purchase", "$subscribe", "$tag", ... or a name of your own
    std::string email;
    Fields fields = {};              ///< written to the profile
    Fields details = {};             ///< kept with the event
    std::string uniqueKey = {};      ///< details.unique.key: Bento counts an event with the same key once, so it may be repeated
    std::optional<Money> value = {}; ///< details.value
    std::string nestedDetails = {};  ///< a JSON object merged into the details, for what nests: {"cart":{"items":[...]}}
    std::optional<WallTime> date = {}; ///< when it happened; nothing: now
};

/// A row that was not taken. Rows count from 0 over the whole import.
struct TOLLGATE_API RowFailure
{
    std::size_t row = 0;
    std::string reason; ///< in plain words, or Bento's own
};

/// Rows that Bento refused, or did not count as taken, without telling which ones.
struct TOLLGATE_API UnnamedFailures
{
    std::size_t firstRow = 0, lastRow = 0; ///< somewhere from here to there
    std::uint64_t count = 0;
};

/// What became of the rows of an import, or of the events of sendEvents(). The counts speak of the rows before `resumeFrom` only:
/// imported and failed make up their number, less those that startAt() passed over.
struct TOLLGATE_API ImportReport
{
    std::uint64_t imported = 0;           ///< taken by Bento; they show after some minutes
    std::uint64_t failed = 0;             ///< refused or left out by Bento, or not sent because they could not be right
    std::vector<RowFailure> failures;     ///< by row
    std::vector<UnnamedFailures> unnamed; ///< the rest of `failed`
    std::uint64_t chunks = 0;             ///< requests that Bento answered
    Duration waited{};                    ///< for permits and back-offs
    /// The first row that is not known to be done; the number of rows if all are. To go on from here sends the rows before
    /// `maybeTakenTo` a second time: events that must not count twice are to be looked up in Bento first.
    std::size_t resumeFrom = 0;
    /// One beyond the last row of the request that failed without a clear answer: the rows from `resumeFrom` up to this one may
    /// have been taken. Equal to `resumeFrom` if none can have been.
    std::size_t maybeTakenTo = 0;
    /// Whether it does no harm to send those again: always for an import, for events only if each one has a uniqueKey.
    bool repeatable = true;
    ErrorPtr error; ///< what stopped it; null: nothing, all rows are done

    bool complete() const noexcept { return !error; }

    /// This report, if complete; else throws what stopped it, as its own type, with how far it got in the text, and which rows
    /// may have been taken.
    const ImportReport& orThrow() const;
};

/// How far an import is.
struct TOLLGATE_API ImportProgress
{
    std::size_t rowsDone = 0; ///< imported, failed, or passed over by startAt()
    std::uint64_t rowsFailed = 0;
    std::uint64_t chunks = 0;
    Duration waited{};
};

} // namespace tollgate::bento
