#include "providers/BentoBatch.h"

#include "Excerpt.h"
#include "providers/JsonRead.h"
#include "tollgate/Json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::providers {

namespace {

using bento::ImportReport;
using bento::RowFailure;

constexpr std::size_t mostRows = 1000; // of one request, for subscribers and events alike

struct Chunk
{
    std::string body;
    std::size_t firstRow = 0;
    std::size_t endRow = 0;           ///< one beyond the last row that was looked at
    std::vector<std::size_t> sent;    ///< the rows in the body: its position there to its number
    std::vector<RowFailure> failures; ///< rows that cannot be sent, later those that Bento named too
    bool repeatable = true;
    bool last = false;
};

/// Takes rows until the chunk is full; also when only unfit ones come, so that progress is told and a cancel is noticed.
Chunk fill(const BatchPlan& plan, std::size_t firstRow, std::size_t bodySize)
{
    Chunk chunk;
    chunk.firstRow = chunk.endRow = firstRow;
    chunk.body.reserve(bodySize);
    chunk.body = fmt::format("{{\"{}\":[", plan.list);
    while (chunk.sent.size() < plan.chunkSize && chunk.failures.size() < plan.chunkSize) {
        const std::size_t before = chunk.body.size();
        if (!chunk.sent.empty()) chunk.body += ',';
        NextRow row = plan.next(chunk.body);
        if (row.end || !row.problem.empty()) chunk.body.resize(before);
        if (row.end) {
            chunk.last = true;
            break;
        }
        const std::size_t number = chunk.endRow++;
        if (row.problem.empty()) {
            chunk.sent.push_back(number);
            chunk.repeatable = chunk.repeatable && row.repeatable;
        } else
            chunk.failures.push_back({number, std::move(row.problem)});
    }
    chunk.body += "]}";
    return chunk;
}

Duration waitedIn(const std::vector<Attempt>& attempts)
{
    Duration waited{};
    for (const Attempt& attempt : attempts) waited += attempt.waited;
    return waited;
}

/// The counts of an answer. 422 has the same shape as 200 when all rows were refused.
struct Counts
{
    std::uint64_t taken = 0, refused = 0;
    JsonArrayPtr named; ///< the refused rows that Bento tells apart
};

std::optional<Counts> countsOf(const Response& response, std::size_t rows)
{
    const JsonObjectPtr body = asObject(unwrapped(response.json()));
    if (member(body, {"results"}).isEmpty() || !member(body, {"results"}).isNumeric()) return std::nullopt;
    Counts counts;
    counts.taken =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(integerAt(body, {"results"}), 0, static_cast<std::int64_t>(rows)));
    counts.refused = member(body, {"failed"}).isEmpty()
                         ? rows - counts.taken
                         : static_cast<std::uint64_t>(std::max<std::int64_t>(integerAt(body, {"failed"}), 0));
    counts.named = arrayAt(body, {"errors", "failures"});
    return counts;
}

/// Takes over the failures that Bento names; answers how many.
std::uint64_t addNamed(Chunk& chunk, const JsonArrayPtr& named, const Response& answer)
{
    std::uint64_t count = 0;
    if (!named) return count;
    for (const JsonValue& entry : *named) {
        const JsonObjectPtr object = asObject(entry);
        if (member(object, {"index"}).isEmpty()) continue;
        const std::int64_t index = integerAt(object, {"index"});
        if (index < 0 || static_cast<std::size_t>(index) >= chunk.sent.size()) continue;
        const std::string reason = answer.redacted(textAt(object, {"error", "message", "reason"}));
        chunk.failures.push_back({chunk.sent[static_cast<std::size_t>(index)], excerpt(reason)});
        ++count;
    }
    return count;
}

void add(ImportReport& report, Chunk& chunk, const Counts& counts, const Response& answer)
{
    const std::uint64_t named = addNamed(chunk, counts.named, answer);
    report.imported += counts.taken;
    ++report.chunks;
    if (counts.refused <= named) return;
    report.unnamed.push_back({chunk.sent.front(), chunk.sent.back(), counts.refused - named});
    report.failed += counts.refused - named;
}

/// Sends the chunk and adds what came of it, or sets report.error.
void deliver(ImportReport& report, Chunk& chunk, const BatchPlan& plan)
{
    Request request = plan.client.post(plan.path);
    request.json(std::move(chunk.body))
        .repeat(chunk.repeatable ? Repeat::Safe : Repeat::ByMethod)
        .cancellation(plan.cancellation);
    if (plan.timeout) request.timeout(*plan.timeout);

    const Result<Response> outcome = request.trySend();
    const std::shared_ptr<const Response> answer =
        outcome ? std::make_shared<const Response>(outcome.value()) : outcome.error().details().response;
    report.waited += waitedIn(outcome ? outcome.value().attempts() : outcome.error().attempts());
    if (!outcome) report.error = outcome.errorPtr();
    if (!answer || (!outcome && answer->status() != 422)) return;
    try {
        if (const auto counts = countsOf(*answer, chunk.sent.size())) {
            add(report, chunk, *counts, *answer);
            report.error = nullptr;
        } else if (outcome)
            throwWithout("count of results", *answer);
    } catch (const UnexpectedContent& problem) {
        if (outcome) report.error = problem.with(problem.details());
    }
}

bool byRow(const RowFailure& a, const RowFailure& b) { return a.row < b.row; }

/// The chunk is done: now its failures count, and the import can go on behind it.
void close(ImportReport& report, Chunk& chunk)
{
    std::sort(chunk.failures.begin(), chunk.failures.end(), byRow);
    report.failed += chunk.failures.size();
    report.failures.insert(report.failures.end(), std::make_move_iterator(chunk.failures.begin()),
                           std::make_move_iterator(chunk.failures.end()));
    report.resumeFrom = chunk.endRow;
}

ErrorPtr cancelled()
{
    ErrorDetails details;
    details.message = "The import was cancelled.";
    return std::make_shared<Cancelled>(std::move(details));
}

} // namespace

ImportReport sendBatch(const BatchPlan& plan)
{
    ImportReport report;
    report.resumeFrom = plan.firstRow;
    std::size_t bodySize = 0;
    for (bool more = true; more;) {
        if (plan.cancellation.isCancelled()) {
            report.error = cancelled();
            break;
        }
        Chunk chunk = fill(plan, report.resumeFrom, bodySize);
        bodySize = std::max(bodySize, chunk.body.size());
        if (!chunk.sent.empty()) deliver(report, chunk, plan);
        if (report.error) break;
        close(report, chunk);
        more = !chunk.last;
        if (plan.onProgress && (more || chunk.endRow != chunk.firstRow))
            plan.onProgress({report.resumeFrom, report.failed, report.chunks, report.waited});
    }
    return report;
}

void demandChunkSize(std::size_t rows)
{
    if (rows >= 1 && rows <= mostRows) return;
    throw ConfigurationError(fmt::format("Bento takes 1 to {} rows in one request, not {}.", mostRows, rows),
                             "Leave the size alone: 1000 rows cost as much of the limit as one.");
}

} // namespace tollgate::providers

namespace tollgate::bento {

const ImportReport& ImportReport::orThrow() const
{
    if (complete()) return *this;
    ErrorDetails details = error->details();
    details.message += fmt::format(" Before that, {} rows were taken and {} refused.", imported, failed);
    details.hint = fmt::format("Go on from row {}; the rows before it are done. {}", resumeFrom, details.hint);
    error->with(std::move(details))->rethrow();
    return *this;
}

} // namespace tollgate::bento
