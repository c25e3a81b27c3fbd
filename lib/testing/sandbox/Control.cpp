#include "Control.h"

#include "Json.h"

#include "tollgate/Error.h"

#include <fmt/format.h>

#include <array>

namespace tollgate::testing::sandbox {

namespace {

using Object = Poco::JSON::Object::Ptr;

constexpr std::array<std::pair<Provider, std::string_view>, 4> providers = {{
    {Provider::Bento, "bento"},
    {Provider::Bentoo, "bentoo"},
    {Provider::Bando, "bando"},
    {Provider::Chatbot, "chatbot"},
}};

constexpr std::array<std::pair<Fault::Kind, std::string_view>, 8> faultKinds = {{
    {Fault::Kind::Status, "status"},
    {Fault::Kind::HtmlPage, "html-page"},
    {Fault::Kind::Blocked, "blocked"},
    {Fault::Kind::TruncatedJson, "truncated-json"},
    {Fault::Kind::ShortBody, "short-body"},
    {Fault::Kind::StalledBody, "stalled-body"},
    {Fault::Kind::Reset, "reset"},
    {Fault::Kind::Slow, "slow"},
}};

HttpResponse bad(std::string_view message) { return HttpResponse::json(400, errorJson(message)); }

HttpResponse ok() { return HttpResponse::json(200, R"({"ok":true})"); }

/// A whole number of at least `least` from the body, or `otherwise` if it is not given. Throws ConfigurationError.
std::int64_t numberAt(const Object& body, const std::string& name, std::int64_t least, std::int64_t otherwise)
{
    if (!body->has(name)) return otherwise;
    const auto value = body->get(name);
    if (!value.isInteger() || value.convert<std::int64_t>() < least)
        throw ConfigurationError(fmt::format("{} must be a whole number from {}.", name, least));
    return value.convert<std::int64_t>();
}

/// True unless the body says otherwise. Throws ConfigurationError.
bool flagAt(const Object& body, const std::string& name)
{
    if (!body->has(name)) return true;
    if (!body->get(name).isBoolean()) throw ConfigurationError(name + " must be true or false.");
    return body->getValue<bool>(name);
}

std::vector<std::string> textsAt(const Object& body, const std::string& name)
{
    std::vector<std::string> texts;
    if (const auto list = arrayAt(body, name))
        for (const auto& item : *list)
            if (item.isString()) texts.push_back(item.convert<std::string>());
    return texts;
}

std::string recordJson(const RecordedRequest& record)
{
    std::string headers;
    for (const auto& [name, value] : record.headers)
        headers += fmt::format("{}[{},{}]", headers.empty() ? "" : ",", quoted(name), quoted(value));
    return fmt::format(R"({{"provider":"{}","method":{},"target":{},"headers":[{}],"body":{},"status":{}}})",
                       nameOf(record.provider), quoted(record.method), quoted(record.target), headers, quoted(record.body),
                       record.status);
}

} // namespace

std::string_view nameOf(Provider provider) noexcept
{
    for (const auto& [known, name] : providers)
        if (known == provider) return name;
    return {};
}

std::optional<Provider> providerNamed(std::string_view name) noexcept
{
    for (const auto& [provider, known] : providers)
        if (known == name) return provider;
    return std::nullopt;
}

Control::Control(Sandbox& sandbox, Faults& faults, Recorder& recorder, AuditLog& audit, Timekeeper& time)
    : _sandbox(sandbox)
    , _faults(faults)
    , _recorder(recorder)
    , _audit(audit)
    , _time(time)
{
    _router.add("GET", "/health", [](const Call&) { return ok(); });
    _router.add("GET", "/stats", [this](const Call&) { return statistics(); });
    _router.add("POST", "/faults", [this](const Call& call) { return inject(call); });
    _router.add("DELETE", "/faults", [this](const Call&) { return _faults.clear(), ok(); });
    _router.add("POST", "/keys/*", [this](const Call& call) { return createKey(call); });
    _router.add("DELETE", "/keys", [this](const Call& call) { return revokeKey(call); });
    _router.add("PATCH", "/bentoo", [this](const Call& call) { return changeBentoo(call); });
    _router.add("GET", "/requests", [this](const Call& call) { return requests(call); });
    _router.add("DELETE", "/requests", [this](const Call&) { return _recorder.clear(), ok(); });
    _router.add("GET", "/audit", [this](const Call& call) {
        const auto provider = providerNamed(call.request.query("provider").value_or("bentoo"));
        if (!provider) return bad("provider is unknown.");
        return HttpResponse::json(200, R"({"records":)" + _audit.json(*provider, call.request.queryOr("key_id")) + "}");
    });
    _router.add("POST", "/advance", [this](const Call& call) { return advance(call); });
}

HttpResponse Control::unknownPath() const
{
    return HttpResponse::json(404, errorJson("The control API has no such path. docs/sandbox.md lists them."));
}

HttpResponse Control::handle(const HttpRequest& request, std::string_view path)
{
    Call call{request, path, {}, {}};
    const auto match = _router.find(call);
    if (!match.handler) {
        if (match.allow.empty()) return unknownPath();
        return HttpResponse::json(405, errorJson("This path has no such method.")).with("Allow", match.allow);
    }
    call.body = request.body.empty() ? Object(new Poco::JSON::Object) : parseObject(request.body);
    if (!call.body) return bad("The body must be a JSON object.");
    try {
        return (*match.handler)(call);
    } catch (const ConfigurationError& error) {
        return bad(error.details().message);
    } catch (const std::exception&) {
        return bad("A value in the body has a type that does not fit.");
    }
}

HttpResponse Control::inject(const Call& call)
{
    const auto provider = providerNamed(textAt(call.body, "provider").value_or(""));
    if (!provider) return bad("provider must be bento, bentoo, bando or chatbot.");
    const auto name = textAt(call.body, "kind").value_or("status");
    Fault fault;
    bool known = false;
    for (const auto& [kind, text] : faultKinds) {
        if (text != name) continue;
        fault.kind = kind;
        known = true;
    }
    if (!known) return bad("kind must be status, html-page, blocked, truncated-json, short-body, stalled-body, reset or slow.");
    fault.status = static_cast<int>(numberAt(call.body, "status", 200, 500));
    if (fault.status > 599) return bad("status must be from 200 to 599.");
    if (call.body->has("retryAfter")) fault.retryAfter = std::chrono::seconds(numberAt(call.body, "retryAfter", 0, 0));
    fault.delay = std::chrono::milliseconds(numberAt(call.body, "delayMs", 0, 0));
    fault.pathPrefix = textAt(call.body, "path").value_or("");
    _faults.add(*provider, fault, static_cast<unsigned>(numberAt(call.body, "count", 1, 1)));
    return ok();
}

HttpResponse Control::createKey(const Call& call)
{
    // The platform lets only these roles make keys; its owner asks unless another role is named.
    const auto role = textAt(call.body, "role").value_or("owner");
    const auto& provider = call.captured.front();
    std::string key;
    if (provider == "bentoo") {
        key = _sandbox.createBentooKey();
    } else if (provider == "bando") {
        key = _sandbox.createBandoToken();
    } else if (provider == "chatbot") {
        if (role != "owner" && role != "admin")
            return HttpResponse::json(403, errorJson("Only an admin or owner can make keys."));
        std::optional<std::chrono::milliseconds> expiresIn;
        if (call.body->has("expiresInMs")) expiresIn = std::chrono::milliseconds(numberAt(call.body, "expiresInMs", 0, 0));
        key = _sandbox.createChatbotKey(textsAt(call.body, "scopes"), expiresIn, flagAt(call.body, "planHasApi"));
    } else {
        return bad("Keys can be made for bentoo, bando and chatbot.");
    }
    return HttpResponse::json(201, fmt::format(R"({{"key":{}}})", quoted(key)));
}

HttpResponse Control::revokeKey(const Call& call)
{
    const auto key = textAt(call.body, "key").value_or("");
    if (key.empty()) return bad("key is missing.");
    _sandbox.revoke(key);
    return ok();
}

HttpResponse Control::changeBentoo(const Call& call)
{
    if (const auto plan = textAt(call.body, "plan")) {
        if (*plan != "free" && *plan != "pro" && *plan != "enterprise") return bad("plan must be free, pro or enterprise.");
        _sandbox.setBentooPlan(*plan == "free" ? BentooPlan::Free : *plan == "pro" ? BentooPlan::Pro : BentooPlan::Enterprise);
    }
    if (const auto key = textAt(call.body, "key")) _sandbox.restrictBentooKey(*key, textsAt(call.body, "allow"));
    return ok();
}

HttpResponse Control::requests(const Call& call) const
{
    const auto name = call.request.query("provider");
    const auto provider = providerNamed(name.value_or(""));
    if (name && !provider) return bad("provider is unknown.");
    std::string list;
    for (const auto& record : provider ? _recorder.of(*provider) : _recorder.all())
        list += (list.empty() ? "" : ",") + recordJson(record);
    return HttpResponse::json(200, R"({"requests":[)" + list + "]}");
}

HttpResponse Control::statistics() const
{
    return HttpResponse::json(
        200, fmt::format(R"({{"connections":{},"answered":{},"throttled":{},"subscribers":{},"events":{},"faultsWaiting":{}}})",
                         _sandbox.connections(), _sandbox.answered(), _sandbox.throttled(), _sandbox.subscribers(),
                         _sandbox.events(), _faults.size()));
}

HttpResponse Control::advance(const Call& call)
{
    _time.advance(std::chrono::milliseconds(numberAt(call.body, "ms", 0, 0)));
    return ok();
}

} // namespace tollgate::testing::sandbox
