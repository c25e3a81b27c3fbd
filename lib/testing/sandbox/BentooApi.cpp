#include "BentooApi.h"

#include "Json.h"
#include "Keys.h"

#include "tollgate/Error.h"

#include <Poco/NumberParser.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tollgate::testing::sandbox {

namespace {

constexpr std::size_t freePerMinute = 20, freeKeys = 50;
constexpr std::array<std::string_view, 3> catalogue = {"claude-sonnet-4-6", "sandbox-large", "sandbox-small"};

/// An error in the form of the OpenAI API, which Bentoo says it is compatible with.
HttpResponse error(int status, std::string_view type, std::string_view code, std::string_view message)
{
    return HttpResponse::json(status, fmt::format(R"({{"error":{{"message":{},"type":{},"param":null,"code":{}}}}})",
                                                  quoted(message), quoted(type), quoted(code)));
}

HttpResponse badRequest(std::string_view message) { return error(400, "invalid_request_error", "invalid_request", message); }

/// About four characters a token, as a rule of thumb.
std::uint64_t tokensOf(std::string_view text) noexcept { return text.size() / 4 + 1; }

std::string modelJson(std::string_view id)
{
    return fmt::format(R"({{"id":{},"object":"model","created":1767225600,"owned_by":"bentoo"}})", quoted(id));
}

/// A message's text: a string, or the text parts of an array.
std::string contentOf(const Poco::JSON::Object::Ptr& message)
{
    if (const auto text = textAt(message, "content")) return *text;
    std::string joined;
    if (const auto parts = arrayAt(message, "content"))
        for (const auto& part : *parts) joined += textAt(asObject(part), "text").value_or("");
    return joined;
}

/// The answer in pieces that start with a space, as models stream them.
std::vector<std::string> wordsOf(const std::string& text)
{
    std::vector<std::string> words;
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find(' ', from + 1), text.size());
        words.push_back(text.substr(from, end - from));
        from = end;
    }
    return words;
}

bool contains(const Poco::Net::IPAddress& network, unsigned prefix, const Poco::Net::IPAddress& address)
{
    if (network.family() != address.family()) return false;
    const Poco::Net::IPAddress mask(prefix, network.family());
    return (address & mask) == (network & mask);
}

} // namespace

BentooApi::BentooApi(const SandboxOptions& options, const Timekeeper& time, AuditLog& audit)
    : _time(time)
    , _audit(audit)
    , _proPerMinute(options.bentooPerWindow)
    , _window(options.window)
{
    _router.add("GET", "/models", [this](const Call&) { return models(); });
    _router.add("GET", "/models/*", [this](const Call& call) { return model(call); });
    _router.add("POST", "/chat/completions", [this](const Call& call) { return complete(call); });
    _router.add("GET", "/account", [this](const Call&) { return account(); });
    _router.add("GET", "/audit/records", [this](const Call& call) {
        const auto records = _audit.json(Provider::Bentoo, call.request.queryOr("key_id"));
        return HttpResponse::json(200, R"({"object":"list","data":)" + records + "}");
    });
}

std::size_t BentooApi::perMinute() const noexcept
{
    if (_proPerMinute == 0) return 0;
    return _plan == BentooPlan::Free ? freePerMinute : _proPerMinute;
}

std::size_t BentooApi::withBurst() const noexcept { return perMinute() + perMinute() / 5; }

void BentooApi::addKey(const std::string& key)
{
    if (_plan == BentooPlan::Free && _keys.size() >= freeKeys)
        throw ConfigurationError("A free account holds at most 50 keys.", "Revoke a key that is no longer used.");
    _keys.emplace(key, Key{SlidingWindow(withBurst(), _window), {}});
}

bool BentooApi::revoke(const std::string& key) { return _keys.erase(key) > 0; }

void BentooApi::setPlan(BentooPlan plan)
{
    _plan = plan;
    for (auto& [name, key] : _keys) key.window.setLimit(withBurst());
}

void BentooApi::restrictKey(const std::string& key, const std::vector<std::string>& blocks)
{
    const auto found = _keys.find(key);
    if (found == _keys.end()) throw ConfigurationError("There is no such key.", "Create it first.");
    std::vector<Block> parsed;
    for (const auto& block : blocks) {
        const auto slash = block.find('/');
        Poco::Net::IPAddress address;
        if (!Poco::Net::IPAddress::tryParse(block.substr(0, slash), address))
            throw ConfigurationError("\"" + block + "\" is no address block.", "Write it as 10.0.0.0/8.");
        const unsigned longest = address.family() == Poco::Net::IPAddress::IPv6 ? 128 : 32;
        unsigned prefix = longest;
        if (slash != std::string::npos &&
            (!Poco::NumberParser::tryParseUnsigned(block.substr(slash + 1), prefix) || prefix > longest))
            throw ConfigurationError("\"" + block + "\" has no good prefix length.", "Write it as 10.0.0.0/8.");
        parsed.push_back({address, prefix});
    }
    found->second.blocks = std::move(parsed);
}

HttpResponse BentooApi::unknownPath() const
{
    return error(404, "invalid_request_error", "unknown_url", "There is no such path.");
}

void BentooApi::addLimitFields(HttpResponse& response, SlidingWindow* window) const
{
    const auto limit = perMinute();
    if (limit == 0) return;
    const auto now = _time.now();
    const auto used = window ? window->used(now) : 0;
    const auto untilReset = window ? window->untilOldestLeaves(now) : _window;
    const auto reset = std::chrono::ceil<std::chrono::seconds>((_time.wallNow() + untilReset).time_since_epoch()).count();
    response.with("X-RateLimit-Limit", std::to_string(limit))
        .with("X-RateLimit-Remaining", std::to_string(limit - std::min(limit, used)))
        .with("X-RateLimit-Reset", std::to_string(reset));
}

HttpResponse BentooApi::handle(const HttpRequest& request, std::string_view path)
{
    const auto text = bearerKey(request.headers.get("Authorization", ""));
    const auto found = _keys.find(text);
    if (found == _keys.end()) {
        auto response = error(401, "invalid_request_error", "invalid_api_key", "The API key is missing, unknown or revoked.");
        response.with("WWW-Authenticate", "Bearer");
        addLimitFields(response, nullptr);
        return response;
    }
    auto& key = found->second;
    _usage = {};
    HttpResponse response;
    Poco::Net::IPAddress peer;
    const auto now = _time.now();
    const bool isAllowed = key.blocks.empty() || (Poco::Net::IPAddress::tryParse(request.peer, peer) &&
                                                  std::any_of(key.blocks.begin(), key.blocks.end(), [&](const Block& block) {
                                                      return contains(block.address, block.prefix, peer);
                                                  }));
    if (!isAllowed) {
        response = error(403, "permission_error", "ip_not_allowed", "This key may not be used from this address.");
    } else if (!key.window.take(now)) {
        response = error(429, "rate_limit_error", "rate_limit_exceeded", "Rate limit reached. Wait and try again.");
        response.with("Retry-After", std::to_string(retryAfterSeconds(key.window.untilOldestLeaves(now))));
    } else {
        Call call{request, path, {}, {}};
        response = respond(call);
    }
    _audit.add(Provider::Bentoo, found->first, _usage.model, _usage.tokens, request.peer, _time.wallNow());
    addLimitFields(response, &key.window);
    return response;
}

HttpResponse BentooApi::respond(Call& call)
{
    const auto match = _router.find(call);
    if (match.handler) return (*match.handler)(call);
    if (match.allow.empty()) return unknownPath();
    return error(405, "invalid_request_error", "method_not_allowed", "This path has no such method.").with("Allow", match.allow);
}

HttpResponse BentooApi::models() const
{
    std::string list;
    for (const auto id : catalogue) list += (list.empty() ? "" : ",") + modelJson(id);
    return HttpResponse::json(200, R"({"object":"list","data":[)" + list + "]}");
}

HttpResponse BentooApi::model(const Call& call) const
{
    const auto& id = call.captured.front();
    if (std::find(catalogue.begin(), catalogue.end(), id) == catalogue.end())
        return error(404, "invalid_request_error", "model_not_found", "There is no such model.");
    return HttpResponse::json(200, modelJson(id));
}

HttpResponse BentooApi::account() const
{
    const auto plan = _plan == BentooPlan::Free ? "free" : _plan == BentooPlan::Pro ? "pro" : "enterprise";
    return HttpResponse::json(200, fmt::format(R"({{"plan":"{}","credit_usd":"{}.{:06}","keys":{}}})", plan, _credit / 1'000'000,
                                               _credit % 1'000'000, _keys.size()));
}

HttpResponse BentooApi::complete(const Call& call)
{
    const auto body = parseObject(call.request.body);
    if (!body) return badRequest("The body must be a JSON object.");
    const auto model = textAt(body, "model").value_or("");
    if (model.empty()) return badRequest("model is missing.");
    if (std::find(catalogue.begin(), catalogue.end(), model) == catalogue.end())
        return error(404, "invalid_request_error", "model_not_found", "There is no such model.");
    const auto messages = arrayAt(body, "messages");
    if (!messages || messages->size() == 0) return badRequest("messages must be an array with at least one message.");

    std::string asked;
    std::uint64_t promptTokens = 0;
    for (const auto& item : *messages) {
        const auto message = asObject(item);
        const auto role = textAt(message, "role").value_or("");
        if (role.empty()) return badRequest("every message needs a role.");
        const auto content = contentOf(message);
        promptTokens += tokensOf(content);
        if (role == "user") asked = content;
    }
    const auto answer = "You asked: \"" + asked + "\" This is the sandbox, so nobody thought about it.";
    const auto answerTokens = tokensOf(answer);
    _usage = {model, promptTokens + answerTokens};
    _credit -= std::min(_credit, _usage.tokens);

    const auto created = std::chrono::duration_cast<std::chrono::seconds>(_time.wallNow().time_since_epoch()).count();
    const auto head = [&](std::string_view object) {
        return fmt::format(R"({{"id":"chatcmpl-{}","object":"{}","created":{},"model":{})", _completions, object, created,
                           quoted(model));
    };
    const auto usage = fmt::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}})", promptTokens,
                                   answerTokens, _usage.tokens);
    ++_completions;
    if (!body->optValue("stream", false))
        return HttpResponse::json(200, fmt::format(R"({},"choices":[{{"index":0,"message":{{"role":"assistant","content":{},)"
                                                   R"("refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{}}})",
                                                   head("chat.completion"), quoted(answer), usage));

    const auto options = objectAt(body, "stream_options");
    const bool withUsage = options && options->optValue("include_usage", false);
    HttpResponse response;
    response.contentType = "text/event-stream";
    const auto send = [&](std::string_view choices, std::string_view usageNow) {
        response.chunks.push_back(fmt::format("data: {},\"choices\":[{}]{}}}\n\n", head("chat.completion.chunk"), choices,
                                              withUsage ? fmt::format(",\"usage\":{}", usageNow) : ""));
    };
    send(R"({"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null})", "null");
    for (const auto& word : wordsOf(answer))
        send(fmt::format(R"({{"index":0,"delta":{{"content":{}}},"finish_reason":null}})", quoted(word)), "null");
    send(R"({"index":0,"delta":{},"finish_reason":"stop"})", "null");
    if (withUsage) send("", usage);
    response.chunks.emplace_back("data: [DONE]\n\n");
    return response;
}

} // namespace tollgate::testing::sandbox
