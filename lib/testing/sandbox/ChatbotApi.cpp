#include "ChatbotApi.h"

#include "BentoStore.h"
#include "Json.h"
#include "Keys.h"

#include "tollgate/Error.h"

#include <fmt/format.h>

namespace tollgate::testing::sandbox {

namespace {

HttpResponse error(int status, std::string_view code, std::string_view message)
{
    return HttpResponse::json(status, fmt::format(R"({{"error":{{"code":{},"message":{}}}}})", quoted(code), quoted(message)));
}

HttpResponse invalidKey()
{
    return error(401, "invalid_api_key", "Invalid API Key").with("WWW-Authenticate", "Bearer error=\"invalid_token\"");
}

HttpResponse insufficient() { return error(403, "insufficient_permissions", "Insufficient Permissions"); }

HttpResponse data(int status, const std::string& value) { return HttpResponse::json(status, R"({"data":)" + value + "}"); }

HttpResponse invalid(std::string_view message) { return error(422, "invalid_request", message); }

} // namespace

ChatbotApi::ChatbotApi(const SandboxOptions& options, const Timekeeper& time, AuditLog& log)
    : _time(time)
    , _log(log)
    , _perHour(options.chatbotPerHour)
    , _hour(options.hour)
    , _settings{{"language", "\"en\""}, {"handoff", "true"}}
    , _members{{"owner@example.com", "owner"}}
{
    _bots["bot_1"] = {"Greeter", "Says hello to visitors"};
    _botsMade = 1;
    addRoute("GET", "/bots", "read", [this](const Call&) { return bots(); });
    addRoute("POST", "/bots", "write", [this](const Call& call) { return createBot(call); });
    addRoute("GET", "/bots/*", "read", [this](const Call& call) { return bot(call); });
    addRoute("PATCH", "/bots/*", "write", [this](const Call& call) { return updateBot(call); });
    addRoute("DELETE", "/bots/*", "admin", [this](const Call& call) { return deleteBot(call); });
    addRoute("GET", "/conversations", "read", [](const Call&) {
        return data(200, R"([{"id":"conv_1","bot_id":"bot_1","channel":"web","status":"open","messages":3}])");
    });
    addRoute("GET", "/analytics", "read", [this](const Call&) {
        return data(200, fmt::format(R"({{"bots":{},"conversations":1,"messages":3}})", _bots.size()));
    });
    addRoute("PATCH", "/settings", "write", [this](const Call& call) { return updateSettings(call); });
    addRoute("GET", "/team/members", "admin", [this](const Call&) { return members(); });
    addRoute("POST", "/team/members", "admin", [this](const Call& call) { return addMember(call); });
}

void ChatbotApi::addRoute(std::string_view method, std::string_view pattern, std::string scope, Router::Handler handler)
{
    _router.add(method, pattern, [this, scope = std::move(scope), handler = std::move(handler)](const Call& call) {
        // Admin is full access; Write does not imply Read.
        const bool granted = _caller->scopes.count("admin") > 0 || _caller->scopes.count(scope) > 0;
        return granted ? handler(call) : insufficient();
    });
}

void ChatbotApi::addKey(const std::string& key, const std::vector<std::string>& scopes, std::optional<Duration> expiresIn,
                        bool planHasApi)
{
    if (scopes.empty()) throw ConfigurationError("A key needs at least one scope.", "The scopes are read, write and admin.");
    for (const auto& scope : scopes)
        if (scope != "read" && scope != "write" && scope != "admin")
            throw ConfigurationError("There is no scope \"" + scope + "\".", "The scopes are read, write and admin.");
    std::optional<TimePoint> expiresAt;
    if (expiresIn) expiresAt = _time.now() + std::chrono::duration_cast<TimePoint::duration>(*expiresIn);
    _keys.emplace(key, Key{SlidingWindow(_perHour, _hour), {scopes.begin(), scopes.end()}, expiresAt, planHasApi});
}

bool ChatbotApi::revoke(const std::string& key) { return _keys.erase(key) > 0; }

HttpResponse ChatbotApi::unknownPath() const { return error(404, "not_found", "There is no such path."); }

HttpResponse ChatbotApi::handle(const HttpRequest& request, std::string_view path)
{
    const auto now = _time.now();
    const auto found = _keys.find(bearerKey(request.headers.get("Authorization", "")));
    if (found == _keys.end() || (found->second.expiresAt && now >= *found->second.expiresAt)) return invalidKey();
    auto& key = found->second;
    _log.add(Provider::Chatbot, found->first, {}, 0, request.peer, _time.wallNow());
    if (!key.planHasApi) return insufficient();
    if (!key.window.take(now)) return error(429, "rate_limited", "The hourly limit is used up.");
    _caller = &key;
    Call call{request, path, {}, {}};
    return respond(call);
}

HttpResponse ChatbotApi::respond(Call& call)
{
    const auto match = _router.find(call);
    if (!match.handler) {
        if (match.allow.empty()) return unknownPath();
        return error(405, "method_not_allowed", "This path has no such method.").with("Allow", match.allow);
    }
    call.body = parseObject(call.request.body);
    return (*match.handler)(call);
}

namespace {

std::string botJson(const std::string& id, const std::string& name, const std::string& description)
{
    return fmt::format(R"({{"id":{},"name":{},"description":{}}})", quoted(id), quoted(name), quoted(description));
}

} // namespace

HttpResponse ChatbotApi::bots() const
{
    std::string list;
    for (const auto& [id, bot] : _bots) list += (list.empty() ? "" : ",") + botJson(id, bot.name, bot.description);
    return data(200, "[" + list + "]");
}

HttpResponse ChatbotApi::bot(const Call& call) const
{
    const auto found = _bots.find(call.captured.front());
    if (found == _bots.end()) return error(404, "not_found", "There is no such bot.");
    return data(200, botJson(found->first, found->second.name, found->second.description));
}

HttpResponse ChatbotApi::createBot(const Call& call)
{
    const auto name = textAt(call.body, "name").value_or("");
    if (name.empty()) return invalid("name is missing.");
    const auto id = fmt::format("bot_{}", ++_botsMade);
    const auto description = textAt(call.body, "description").value_or("");
    _bots[id] = {name, description};
    return data(201, botJson(id, name, description));
}

HttpResponse ChatbotApi::updateBot(const Call& call)
{
    const auto found = _bots.find(call.captured.front());
    if (found == _bots.end()) return error(404, "not_found", "There is no such bot.");
    if (!call.body) return invalid("The body must be a JSON object.");
    auto& bot = found->second;
    const auto name = textAt(call.body, "name").value_or(bot.name);
    if (name.empty()) return invalid("name must not be empty.");
    bot = {name, textAt(call.body, "description").value_or(bot.description)};
    return data(200, botJson(found->first, bot.name, bot.description));
}

HttpResponse ChatbotApi::deleteBot(const Call& call)
{
    if (_bots.erase(call.captured.front()) == 0) return error(404, "not_found", "There is no such bot.");
    HttpResponse response;
    response.status = 204;
    return response;
}

HttpResponse ChatbotApi::updateSettings(const Call& call)
{
    if (!call.body) return invalid("The body must be a JSON object.");
    for (const auto& [name, value] : *call.body) _settings[name] = jsonText(value);
    std::string members;
    for (const auto& [name, value] : _settings) members += (members.empty() ? "" : ",") + quoted(name) + ":" + value;
    return data(200, "{" + members + "}");
}

HttpResponse ChatbotApi::members() const
{
    std::string list;
    for (const auto& [email, role] : _members)
        list += fmt::format(R"({}{{"email":{},"role":{}}})", list.empty() ? "" : ",", quoted(email), quoted(role));
    return data(200, "[" + list + "]");
}

HttpResponse ChatbotApi::addMember(const Call& call)
{
    const auto email = textAt(call.body, "email").value_or("");
    const auto role = textAt(call.body, "role").value_or("member");
    if (!looksLikeEmail(email)) return invalid("email is missing or invalid.");
    _members.emplace_back(email, role);
    return data(201, fmt::format(R"({{"email":{},"role":{}}})", quoted(email), quoted(role)));
}

} // namespace tollgate::testing::sandbox
