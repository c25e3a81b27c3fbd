#include "BentoApi.h"

#include "BentoRows.h"
#include "Json.h"

#include <Poco/Base64Encoder.h>

#include <fmt/format.h>

#include <sstream>

namespace tollgate::testing::sandbox {

namespace {

constexpr std::size_t rowsCap = 1000, emailsCap = 60, commandsCap = 100, errorsCap = 20;
constexpr std::size_t statsPerHour = 30;

std::string basic(const Sandbox::Bento& keys)
{
    std::ostringstream out;
    Poco::Base64Encoder encoder(out);
    encoder.rdbuf()->setLineLength(0);
    encoder << keys.publishableKey << ':' << keys.secretKey;
    encoder.close();
    return "Basic " + out.str();
}

HttpResponse error(int status, std::string_view message) { return HttpResponse::json(status, errorJson(message)); }

/// Bento answers bad keys and bad sites alike, in plain text, as its users have reported.
HttpResponse unauthorised()
{
    return HttpResponse::text(401, "text/plain; charset=utf-8", "HTTP Basic: Access denied.\n")
        .with("WWW-Authenticate", "Basic realm=\"Application\"");
}

HttpResponse data(int status, const std::string& resource) { return HttpResponse::json(status, R"({"data":)" + resource + "}"); }

/// The rows of a batch, or an answer that refuses the whole batch: not an array, none, too many, one without email.
Poco::JSON::Array::Ptr batchRows(const Call& call, const std::string& name, std::size_t cap, HttpResponse& refusal,
                                 const char* address = "email")
{
    auto rows = arrayAt(call.body, name);
    if (!rows || rows->size() == 0 || rows->size() > cap) {
        refusal = error(400, fmt::format("{} must be an array of 1 to {} items", name, cap));
        return nullptr;
    }
    for (const auto& item : *rows) {
        if (textAt(asObject(item), address).value_or("").empty()) {
            refusal = error(400, fmt::format("every item of {} needs {}", name, address));
            return nullptr;
        }
    }
    return rows;
}

} // namespace

BentoApi::BentoApi(const SandboxOptions& options, const Timekeeper& time, Sandbox::Bento keys)
    : _time(time)
    , _keys(std::move(keys))
    , _authorization(basic(_keys))
    , _importDelay(options.bentoImportDelay)
    , _fetch(options.bentoPerWindow, options.window)
    , _batch(options.bentoPerWindow, options.window)
    , _experimental(options.bentoPerWindow, options.window)
    , _stats(options.bentoPerWindow == 0 ? 0 : statsPerHour, options.hour)
{
    addRoutes();
}

void BentoApi::addRoutes()
{
    _router.add("GET", "/fetch/subscribers", [this](const Call& call) { return subscriber(call); });
    _router.add("POST", "/fetch/subscribers", [this](const Call& call) { return createSubscriber(call); });
    _router.add("GET", "/fetch/tags", [this](const Call&) { return data(200, "[" + _store.tags(_keys.siteUuid) + "]"); });
    _router.add("POST", "/fetch/tags", [this](const Call& call) { return createTag(call); });
    _router.add("DELETE", "/fetch/tags/*", [this](const Call& call) { return toggleTag(call); });
    _router.add("GET", "/fetch/fields", [this](const Call&) { return data(200, "[" + _store.fields() + "]"); });
    _router.add("POST", "/fetch/fields", [this](const Call& call) { return createField(call); });
    _router.add("POST", "/fetch/commands", [this](const Call& call) { return commands(call); });
    _router.add("POST", "/batch/events", [this](const Call& call) { return importEvents(call); });
    _router.add("POST", "/batch/subscribers", [this](const Call& call) { return importSubscribers(call); });
    _router.add("POST", "/batch/emails", [this](const Call& call) { return sendEmails(call); });
    _router.add("GET", "/stats/site", [this](const Call&) { return siteStatistics(); });
    _router.add("POST", "/experimental/validation", [this](const Call& call) { return validate(call); });
}

const BentoStore& BentoApi::store()
{
    _store.settle(_time.now(), _time.wallNow());
    return _store;
}

HttpResponse BentoApi::unknownPath() const { return error(404, "There is no such path."); }

SlidingWindow* BentoApi::family(std::string_view path) noexcept
{
    if (isBelow(path, "/fetch")) return &_fetch;
    if (isBelow(path, "/batch")) return &_batch;
    if (isBelow(path, "/experimental")) return &_experimental;
    return isBelow(path, "/stats") ? &_stats : nullptr;
}

bool BentoApi::isAuthentic(const HttpRequest& request) const
{
    constexpr std::size_t schemeSize = 6;
    const auto given = request.headers.get("Authorization", "");
    return given.size() == _authorization.size() && equalsIgnoreCase(given.substr(0, schemeSize), "Basic ") &&
           given.substr(schemeSize) == std::string_view(_authorization).substr(schemeSize);
}

bool BentoApi::knowsSite(Call& call) const
{
    if (const auto inQuery = call.request.query("site_uuid")) return *inQuery == _keys.siteUuid;
    call.body = parseObject(call.request.body);
    return textAt(call.body, "site_uuid") == _keys.siteUuid;
}

HttpResponse BentoApi::handle(const HttpRequest& request, std::string_view path)
{
    const auto agent = request.headers.get("User-Agent", "");
    if (agent.find_first_not_of(" \t") == std::string_view::npos)
        return HttpResponse::text(403, "text/html; charset=utf-8",
                                  "<!DOCTYPE html><html><head><title>Attention Required!</title></head>"
                                  "<body><h1>BLOCKED</h1><p>This request was stopped.</p></body></html>");
    Call call{request, path, {}, {}};
    if (!isAuthentic(request) || !knowsSite(call)) return unauthorised();

    const auto now = _time.now();
    _store.settle(now, _time.wallNow());
    if (const auto window = family(path); window && !window->take(now))
        return error(429, "Rate limit exceeded. Please slow down.")
            .with("Retry-After", std::to_string(retryAfterSeconds(window->untilOldestLeaves(now))));

    const auto match = _router.find(call);
    if (!match.handler)
        return match.allow.empty() ? unknownPath() : error(405, "This path has no such method.").with("Allow", match.allow);
    if (request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
        const auto type = request.headers.get("Content-Type", "");
        if (!equalsIgnoreCase(type.substr(0, type.find(';')), "application/json"))
            return error(400, "Content-Type must be application/json.");
        if (!call.body) call.body = parseObject(request.body);
        if (!call.body) return error(400, "The body must be a JSON object.");
    } else if (!call.body) {
        call.body = parseObject(request.body);
    }
    return (*match.handler)(call);
}

HttpResponse BentoApi::subscriber(const Call& call) const
{
    const auto email = call.request.query("email");
    const auto found = email ? _store.subscriberByEmail(*email) : _store.subscriberByUuid(call.request.queryOr("uuid"));
    return found ? data(200, *found) : HttpResponse::json(200, "{}");
}

HttpResponse BentoApi::createSubscriber(const Call& call)
{
    BentoStore::Change change;
    change.email = textAt(objectAt(call.body, "subscriber"), "email").value_or("");
    if (!looksLikeEmail(change.email)) return error(422, "subscriber.email is missing or invalid");
    _store.apply(change, _time.wallNow());
    return data(201, *_store.subscriberByEmail(change.email));
}

HttpResponse BentoApi::createTag(const Call& call)
{
    const auto name = textAt(objectAt(call.body, "tag"), "name").value_or("");
    return name.empty() ? error(422, "tag.name is missing") : data(201, _store.addTag(name, _keys.siteUuid, _time.wallNow()));
}

HttpResponse BentoApi::toggleTag(const Call& call)
{
    // The tag is found by the name in the body; the id in the path is not used.
    const auto name = textAt(objectAt(call.body, "tag"), "name").value_or("");
    if (name.empty()) return error(422, "tag.name is missing");
    if (!_store.toggleTag(name, _time.wallNow())) return error(404, "There is no such tag.");
    return HttpResponse::json(200, R"({"message":"Tag discarded or restored."})");
}

HttpResponse BentoApi::createField(const Call& call)
{
    const auto key = textAt(objectAt(call.body, "field"), "key").value_or("");
    return key.empty() ? error(422, "field.key is missing") : data(201, _store.addField(key, _time.wallNow()));
}

HttpResponse BentoApi::commands(const Call& call)
{
    std::vector<Row> rows;
    if (const auto single = objectAt(call.body, "command")) {
        rows.push_back(commandRow(single));
    } else if (const auto list = arrayAt(call.body, "command")) {
        if (list->size() > commandsCap) return error(422, fmt::format("at most {} commands a request", commandsCap));
        for (const auto& item : *list) {
            if (!asObject(item)) return error(422, "every command must be an object");
            rows.push_back(commandRow(asObject(item)));
        }
    }
    if (rows.empty()) return error(422, "command is missing");
    for (const auto& row : rows)
        if (!row.error.empty()) return error(422, row.error);
    for (const auto& row : rows) _store.apply(row.change, _time.wallNow());
    return HttpResponse::json(200, fmt::format(R"({{"results":{}}})", rows.size()));
}

HttpResponse BentoApi::importEvents(const Call& call)
{
    HttpResponse refusal;
    const auto items = batchRows(call, "events", rowsCap, refusal);
    if (!items) return refusal;
    std::size_t failed = 0;
    std::string errors;
    for (std::size_t i = 0; i < items->size(); ++i) {
        const auto row = eventRow(items->getObject(static_cast<unsigned>(i)));
        if (row.error.empty()) {
            // A unique key that is known already counts as taken in, and changes nothing.
            if (_store.addEvent(row.uniqueKey)) _store.apply(row.change, _time.wallNow());
        } else if (++failed <= errorsCap) {
            errors += fmt::format(R"({}{{"index":{},"error":{}}})", errors.empty() ? "" : ",", i, quoted(row.error));
        }
    }
    auto body = fmt::format(R"({{"results":{},"failed":{}{}}})", items->size() - failed, failed,
                            failed == 0 ? "" : R"(,"errors":[)" + errors + "]");
    return HttpResponse::json(failed == items->size() ? 422 : 200, std::move(body));
}

HttpResponse BentoApi::importSubscribers(const Call& call)
{
    HttpResponse refusal;
    const auto items = batchRows(call, "subscribers", rowsCap, refusal);
    if (!items) return refusal;
    std::vector<BentoStore::Change> changes;
    changes.reserve(items->size());
    for (const auto& item : *items) {
        auto row = subscriberRow(asObject(item));
        if (row.error.empty()) changes.push_back(std::move(row.change));
    }
    auto body = fmt::format(R"({{"results":{},"failed":{}}})", changes.size(), items->size() - changes.size());
    const auto now = _time.now();
    _store.applyLater(now + std::chrono::duration_cast<TimePoint::duration>(_importDelay), std::move(changes));
    _store.settle(now, _time.wallNow());
    return HttpResponse::json(200, std::move(body));
}

HttpResponse BentoApi::sendEmails(const Call& call)
{
    HttpResponse refusal;
    const auto items = batchRows(call, "emails", emailsCap, refusal, "to");
    if (!items) return refusal;
    for (const auto& item : *items) {
        const auto email = asObject(item);
        if (email->has("attachments")) return error(400, "attachments are not accepted");
        for (const char* name : {"to", "from"})
            if (!looksLikeEmail(textAt(email, name).value_or("")))
                return error(400, fmt::format("{} is missing or invalid", name));
        if (textAt(email, "subject").value_or("").empty()) return error(400, "subject is missing");
    }
    for (const auto& item : *items) {
        BentoStore::Change change;
        change.email = *textAt(asObject(item), "to");
        _store.apply(change, _time.wallNow());
    }
    return HttpResponse::json(200, fmt::format(R"({{"results":{},"failed":0}})", items->size()));
}

HttpResponse BentoApi::siteStatistics() const
{
    const auto all = _store.subscriberCount();
    const auto gone = _store.unsubscribedCount();
    return HttpResponse::json(
        200, fmt::format(R"({{"user_count":{},"subscriber_count":{},"unsubscriber_count":{}}})", all, all - gone, gone));
}

HttpResponse BentoApi::validate(const Call& call) const
{
    const auto email = textAt(call.body, "email").value_or(call.request.queryOr("email"));
    if (email.empty()) return error(400, "email is missing");
    return HttpResponse::json(200, looksLikeEmail(email) ? R"({"valid":true})" : R"({"valid":false})");
}

} // namespace tollgate::testing::sandbox
