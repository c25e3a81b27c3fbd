#pragma once

#include "tollgate/Export.h"
#include "tollgate/QuotaStore.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

/// The state of an account as bytes: a document has a stamp, which tells when it was written and by which clock, and a body.
/// Varints, times as differences: a full log of 1,000 requests takes about 9 KB and 20 microseconds. QuotaState::share and
/// LimitState::share are not kept.
namespace tollgate::stores {

/// When, and by which clock, a document was written.
struct Stamp
{
    std::uint64_t epoch = 0; ///< drawn when the document was made: another one means that what it held before is lost
    TimePoint at{};          ///< in the store's clock
    WallTime wall{};         ///< the same on the calendar
    std::string domain;      ///< names the clock: times of different domains cannot be compared
};

/// The bytes are no document: damaged, cut off, or never one.
class TOLLGATE_API SpoiledDocument : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// The document was written by a newer version of this library.
class TOLLGATE_API NewerDocument : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

TOLLGATE_API std::string encodeBody(const QuotaState& state);
/// Throws SpoiledDocument. Never takes more memory than a small multiple of the bytes given.
TOLLGATE_API QuotaState decodeBody(std::string_view body);

TOLLGATE_API std::string encodeDocument(const Stamp& stamp, std::string_view body);

struct OpenedDocument
{
    Stamp stamp;
    std::string_view body; ///< lies in the bytes given
};
/// Checks that it is whole. Throws SpoiledDocument, NewerDocument.
TOLLGATE_API OpenedDocument openDocument(std::string_view bytes);

} // namespace tollgate::stores
