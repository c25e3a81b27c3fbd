#pragma once

#include "tollgate/Client.h"
#include "tollgate/providers/BentoTypes.h"

#include <cstddef>
#include <functional>

namespace tollgate {

/// An import that is about to start: set what you like, then run() it.
///
///     auto report = bento.importSubscribers(rows).onProgress(draw).run();
///     if (!report.complete()) keep(report.resumeFrom);    // later: .startAt(kept)
///
/// Rows are pulled as they are needed and sent in chunks, one after the other, each paced by the limit of the batch family;
/// memory holds one chunk. A row without an address, or one that Bento cannot take, is reported by its number and not sent,
/// because one such row makes Bento refuse the whole chunk. A chunk is an upsert, so it is repeated after a lost connection. Not
/// synchronised.
class TOLLGATE_API BentoImport
{
public:
    /// Called after each chunk, on the thread of run(). What it throws ends the import and passes through.
    BentoImport& onProgress(std::function<void(const bento::ImportProgress&)> callback);
    /// Rows of one request, 1 to 1000 (what Bento takes, and the default unless BentoOptions say otherwise).
    BentoImport& chunkSize(std::size_t rows);
    /// Passes over the first rows of the source; to go on where a report's resumeFrom says. Rows keep their numbers. If the
    /// source ends before, the import is complete, and its resumeFrom is the number of rows there were.
    BentoImport& startAt(std::size_t row);
    /// How long one chunk may take with its wait for a permit; default 5 minutes unless BentoOptions say otherwise.
    BentoImport& chunkTimeout(Duration duration);
    /// Who may end it: between chunks, and in every wait. The report then holds Cancelled.
    BentoImport& cancellation(CancellationToken token);

    /// Runs to the end of the rows, or to the first chunk that fails for good: then the report holds the error and the row to go
    /// on from, and nothing before it is lost. `run().orThrow()` throws instead. What the row source throws passes through: the
    /// last progress says how far it got. Throws ConfigurationError for a chunk size out of range.
    [[nodiscard]] bento::ImportReport run();

private:
    friend class Bento;
    BentoImport(Client client, bento::RowSource rows, std::size_t chunkSize, Duration chunkTimeout);

    Client _client;
    bento::RowSource _rows;
    std::function<void(const bento::ImportProgress&)> _onProgress;
    std::size_t _chunkSize;
    std::size_t _startAt = 0;
    Duration _chunkTimeout;
    CancellationToken _cancellation;
};

} // namespace tollgate
