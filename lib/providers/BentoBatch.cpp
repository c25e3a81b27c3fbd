#include "providers/BentoBatch.h"

#include "Excerpt.h"
#include "providers/JsonRead.h"
#include "tollgate/Json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
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
    std::size_t taken = 0;
    JsonArrayPtr named; ///< the refused rows that Bento tells apart: 20 at most
};

std::optional<Counts> countsOf(const Response& response, std::size_t rows)
{
    const JsonObjectPtr body = asObject(unwrapped(response.json()));
    if (member(body, {"results"}).isEmpty() || !member(body, {"results"}).isNumeric()) return std::nullopt;
    const auto all = static_cast<std::int64_t>(rows);
    std::int64_t taken = std::clamp<std::int64_t>(integerAt(body, {"results"}), 0, all);
    // A row is either taken or refused, so "failed" tells nothing more, unless it contradicts: then it is believed if it can be.
    const std::int64_t failed = integerAt(body, {"failed"});
    if (failed > 0 && failed <= all) taken = std::min(taken, all - failed);
    return Counts{static_cast<std::size_t>(taken), arrayAt(body, {"errors", "failures"})};
}

/// The rows that Bento names, by their position in the body, each with all that is said of it.
std::map<std::size_t, std::string> reasonsIn(const JsonArrayPtr& named, std::size_t rows, const Response& answer)
{
    std::map<std::size_t, std::string> reasons;
    if (!named) return reasons;
    for (const JsonValue& entry : *named) {
        const JsonObjectPtr object = asObject(entry);
        if (member(object, {"index"}).isEmpty()) continue;
        const std::int64_t index = integerAt(object, {"index"});
        if (index < 0 || static_cast<std::size_t>(index) >= rows) continue;
        std::string& all = reasons[static_cast<std::size_t>(index)];
        const std::string reason = answer.redacted(textAt(object, {"error", "message", "reason"}));
        if (!reason.empty() && reason != all) all += (all.empty() ? "" : "; ") + reason;
    }
    return reasons;
}

/// Every row of the chunk ends up in exactly one place: imported, named or unnamed.
void add(ImportReport& report, Chunk& chunk, const Counts& counts, const Response& answer)
{
    const std::size_t rows = chunk.sent.size();
    const auto reasons = reasonsIn(counts.named, rows, answer);
    for (const auto& [position, reason] : reasons) chunk.failures.push_back({chunk.sent[position], excerpt(reason)});
    const std::size_t taken = std::min(counts.taken, rows - reasons.size());
    const std::size_t unnamed = rows - reasons.size() - taken;
    report.imported += taken;
    report.failed += unnamed;
    ++report.chunks;
    if (unnamed > 0) report.unnamed.push_back({chunk.sent.front(), chunk.sent.back(), unnamed});
}

/// A redirect or a 4xx is a refusal, but for 408, which says that the server gave up waiting for something.
bool refuses(int status) { return status >= 300 && status < 500 && status != 408; }

/// Whether any attempt may have done its work, whatever the last one says.
bool mayHaveWorked(const Error& error)
{
    const auto may = [](Delivery delivery, int status) { return delivery != Delivery::NotSent && !refuses(status); };
    const std::vector<Attempt>& attempts = error.attempts();
    return (attempts.empty() && may(error.delivery(), error.status())) ||
           std::any_of(attempts.begin(), attempts.end(), [&](const Attempt& one) { return may(one.delivery, one.status); });
}

/// Sends the chunk and adds what came of it, or sets report.error.
void deliver(ImportReport& report, Chunk& chunk, const BatchPlan& plan)
{
    Request request = plan.client.post(plan.path);
    request.json(std::move(chunk.body)).repeat(chunk.repeatable ? Repeat::Safe : Repeat::Never).cancellation(plan.cancellation);
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
        if (report.error) {
            if (mayHaveWorked(*report.error)) report.maybeTakenTo = chunk.endRow;
            report.repeatable = chunk.repeatable;
            break;
        }
        close(report, chunk);
        more = !chunk.last;
        if (plan.onProgress && (more || chunk.endRow != chunk.firstRow))
            plan.onProgress({report.resumeFrom, report.failed, report.chunks, report.waited});
    }
    report.maybeTakenTo = std::max(report.maybeTakenTo, report.resumeFrom);
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
    std::string hint = fmt::format("Go on from row {}; the rows before it are done.", resumeFrom);
    if (maybeTakenTo > resumeFrom) {
        hint += fmt::format(" Rows {} to {} may have been taken already: ", resumeFrom, maybeTakenTo - 1);
        hint += repeatable ? "sending them again does no harm."
                           : "an event without a uniqueKey would count twice, so look in Bento which of these events are there, "
                             "and send the others only.";
    }
    details.hint = hint + ' ' + details.hint;
    error->with(std::move(details))->rethrow();
    return *this;
}

} // namespace tollgate::bento
