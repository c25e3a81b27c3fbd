#pragma once

#include "tollgate/Client.h"
#include "tollgate/providers/BentoTypes.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace tollgate::providers {

/// What became of asking for the next row.
struct NextRow
{
    bool end = false;       ///< there is none
    std::string problem;    ///< why it cannot be sent; empty: its JSON was appended
    bool repeatable = true; ///< twice is as good as once
};

/// Rows in chunks, one request each, one after the other.
struct BatchPlan
{
    Client client;
    std::string path; ///< "/batch/subscribers"
    std::string list; ///< the body's one member: "subscribers"
    std::size_t chunkSize = 1000;
    std::size_t firstRow = 0;                     ///< number of the first row that `next` gives
    std::function<NextRow(std::string& to)> next; ///< appends a row's JSON
    std::optional<Duration> timeout = {};         ///< of each request; nothing: the client's
    CancellationToken cancellation = {};
    std::function<void(const bento::ImportProgress&)> onProgress = {};
};

/// Sends all rows, or those up to the first chunk that fails for good. What `next` and `onProgress` throw passes through.
bento::ImportReport sendBatch(const BatchPlan& plan);

/// Throws ConfigurationError unless Bento takes that many rows in one request.
void demandChunkSize(std::size_t rows);

} // namespace tollgate::providers
