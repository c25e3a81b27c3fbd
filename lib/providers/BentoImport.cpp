#include "tollgate/providers/BentoImport.h"

#include "providers/BentoBatch.h"
#include "providers/BentoRows.h"

#include <utility>

namespace tollgate {

BentoImport::BentoImport(Client client, bento::RowSource rows, std::size_t chunkSize, Duration chunkTimeout)
    : _client(std::move(client))
    , _rows(std::move(rows))
    , _chunkSize(chunkSize)
    , _chunkTimeout(chunkTimeout)
{}

BentoImport& BentoImport::onProgress(std::function<void(const bento::ImportProgress&)> callback)
{
    _onProgress = std::move(callback);
    return *this;
}

BentoImport& BentoImport::chunkSize(std::size_t rows)
{
    _chunkSize = rows;
    return *this;
}

BentoImport& BentoImport::startAt(std::size_t row)
{
    _startAt = row;
    return *this;
}

BentoImport& BentoImport::chunkTimeout(Duration duration)
{
    _chunkTimeout = duration;
    return *this;
}

BentoImport& BentoImport::cancellation(CancellationToken token)
{
    _cancellation = std::move(token);
    return *this;
}

bento::ImportReport BentoImport::run()
{
    providers::demandChunkSize(_chunkSize);
    for (std::size_t row = 0; row < _startAt; ++row) {
        if (_rows()) continue;
        bento::ImportReport report; // the source must not be asked again behind its end
        report.resumeFrom = report.maybeTakenTo = row;
        return report;
    }

    const auto next = [this](std::string& to) {
        const std::optional<bento::SubscriberRow> row = _rows();
        if (!row) return providers::NextRow{true, {}};
        return providers::NextRow{false, providers::appendRow(to, *row)};
    };
    return providers::sendBatch(
        {_client, "/batch/subscribers", "subscribers", _chunkSize, _startAt, next, _chunkTimeout, _cancellation, _onProgress});
}

} // namespace tollgate
