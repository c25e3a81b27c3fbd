#include "tollgate/testing/Sandbox.h"

#include "AuditLog.h"
#include "BandoApi.h"
#include "BentoApi.h"
#include "BentooApi.h"
#include "Certificates.h"
#include "ChatbotApi.h"
#include "Control.h"
#include "Faults.h"
#include "Json.h"
#include "Keys.h"
#include "Recorder.h"
#include "Server.h"
#include "Timekeeper.h"

#include "tollgate/Error.h"

#include <Poco/Net/IPAddress.h>

#include <fmt/format.h>

#include <atomic>
#include <mutex>

namespace tollgate::testing {

namespace {

using namespace sandbox;

Poco::Net::IPAddress loopback(const std::string& text)
{
    Poco::Net::IPAddress address;
    if (!Poco::Net::IPAddress::tryParse(text, address) || !address.isLoopback())
        throw ConfigurationError("The sandbox listens on loopback addresses only, not on \"" + text + "\".",
                                 "Use 127.0.0.1 or ::1.");
    return address;
}

constexpr std::size_t providerCount = 4;

constexpr std::size_t indexOf(Provider provider) noexcept { return static_cast<std::size_t>(provider); }

} // namespace

struct Sandbox::Impl
{
    Impl(Sandbox& owner, const SandboxOptions& options);

    std::string open(const Poco::Net::IPAddress& address, std::uint16_t port, Handler handler, bool tls);
    HttpResponse serve(Provider provider, HttpRequest&& request);
    HttpResponse ask(Provider provider, const HttpRequest& request, std::string_view path);
    std::string newKey(std::string_view prefix, std::size_t length);

    Timekeeper time;
    Recorder recorder;
    Faults faults;
    AuditLog audit;
    Bento bentoKeys;
    Bentoo bentooKeys;
    Bando bandoKeys;
    Chatbot chatbotKeys;

    std::mutex mutexes[providerCount]; ///< one per API
    BentoApi bento;
    BentooApi bentoo;
    BandoApi bando;
    ChatbotApi chatbot;
    Api* const apis[providerCount] = {&bento, &bentoo, &bando, &chatbot};
    Control control;

    std::atomic<std::uint64_t> requestCount{0}, answered{0}, throttled{0};
    std::string baseUrls[providerCount];
    std::string controlUrl;
    std::string caFile;
    std::unique_ptr<Certificates> certificates;
    Server server; ///< last: its threads use everything above
};

Sandbox::Impl::Impl(Sandbox& owner, const SandboxOptions& options)
    : time(options.clock)
    , recorder(options.maxRecorded)
    , bentoKeys{newKey("pk_", 32), newKey("sk_", 32), randomUuid()}
    , bento(options, time, bentoKeys)
    , bentoo(options, time, audit)
    , bando(options, time)
    , chatbot(options, time, audit)
    , control(owner, faults, recorder, audit, time)
{
    recorder.addSecret(bentoKeys.siteUuid);
    if (options.tls) {
        certificates = std::make_unique<Certificates>();
        caFile = certificates->caFile();
    }
    const auto address = loopback(options.address);
    const std::pair<Provider, std::uint16_t> ports[] = {{Provider::Bento, options.bentoPort},
                                                        {Provider::Bentoo, options.bentooPort},
                                                        {Provider::Bando, options.bandoPort},
                                                        {Provider::Chatbot, options.chatbotPort}};
    for (const auto& [provider, port] : ports) {
        const auto handler = [this, api = provider](HttpRequest&& request) { return serve(api, std::move(request)); };
        baseUrls[indexOf(provider)] =
            open(address, port, handler, options.tls) + std::string(apis[indexOf(provider)]->basePath());
    }
    if (options.controlPort)
        controlUrl = open(
            address, *options.controlPort, [this](HttpRequest&& request) { return control.handle(request, request.path()); },
            false);
}

std::string Sandbox::Impl::open(const Poco::Net::IPAddress& address, std::uint16_t port, Handler handler, bool tls)
{
    port = server.listen({address, port}, std::move(handler), tls ? certificates->context() : nullptr);
    const bool bracketed = address.family() == Poco::Net::IPAddress::IPv6;
    return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", bracketed ? "[" : "", address.toString(), bracketed ? "]" : "",
                       port);
}

std::string Sandbox::Impl::newKey(std::string_view prefix, std::size_t length)
{
    auto key = std::string(prefix) + randomText(length);
    recorder.addSecret(key);
    return key;
}

HttpResponse Sandbox::Impl::ask(Provider provider, const HttpRequest& request, std::string_view path)
{
    const std::lock_guard lock(mutexes[indexOf(provider)]);
    auto& api = *apis[indexOf(provider)];
    try {
        return isBelow(request.path(), api.basePath()) ? api.handle(request, path) : api.unknownPath();
    } catch (const std::exception&) {
        return HttpResponse::json(500, errorJson("The sandbox failed to answer this request."));
    }
}

HttpResponse Sandbox::Impl::serve(Provider provider, HttpRequest&& request)
{
    const auto base = apis[indexOf(provider)]->basePath();
    const auto whole = request.path();
    const auto path = isBelow(whole, base) ? whole.substr(base.size()) : whole;
    const auto fault = faults.take(provider, path);
    const auto api = [&] { return ask(provider, request, path); };
    auto response = fault ? answerUnder(*fault, api) : api();

    response.with("Date", httpDate(time.wallNow())).with("X-Request-Id", fmt::format("sandbox-{}", ++requestCount));
    const bool isAnswered = response.delivery != sandbox::Delivery::Reset;
    if (isAnswered) ++answered;
    if (response.status == 429) ++throttled;
    recorder.add(provider, request, isAnswered ? response.status : 0, time.now());
    return response;
}

Sandbox::Sandbox(SandboxOptions options) : _impl(std::make_unique<Impl>(*this, options))
{
    _impl->bentooKeys.apiKey = createBentooKey();
    _impl->bandoKeys.token = createBandoToken();
    _impl->chatbotKeys = {createChatbotKey({"read"}), createChatbotKey({"write"}), createChatbotKey({"admin"})};
    _impl->server.start();
}

Sandbox::~Sandbox() { _impl->server.stop(); }

std::string Sandbox::baseUrl(Provider provider) const { return _impl->baseUrls[indexOf(provider)]; }
const Sandbox::Bento& Sandbox::bento() const noexcept { return _impl->bentoKeys; }
const Sandbox::Bentoo& Sandbox::bentoo() const noexcept { return _impl->bentooKeys; }
const Sandbox::Bando& Sandbox::bando() const noexcept { return _impl->bandoKeys; }
const Sandbox::Chatbot& Sandbox::chatbot() const noexcept { return _impl->chatbotKeys; }
const std::string& Sandbox::controlUrl() const noexcept { return _impl->controlUrl; }
const std::string& Sandbox::caFile() const noexcept { return _impl->caFile; }

void Sandbox::inject(Provider provider, Fault fault, unsigned count) { _impl->faults.add(provider, std::move(fault), count); }
void Sandbox::clearFaults() { _impl->faults.clear(); }

std::string Sandbox::createBentooKey()
{
    auto key = _impl->newKey("btoo_sk_live_", 32);
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bentoo)]);
    _impl->bentoo.addKey(key);
    return key;
}

std::string Sandbox::createChatbotKey(const std::vector<std::string>& scopes, std::optional<std::chrono::milliseconds> expiresIn,
                                      bool planHasApi)
{
    auto key = _impl->newKey("cbk_", 40);
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Chatbot)]);
    _impl->chatbot.addKey(key, scopes, expiresIn, planHasApi);
    return key;
}

std::string Sandbox::createBandoToken()
{
    auto token = _impl->newKey("bando_", 40);
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bando)]);
    _impl->bando.addToken(token);
    return token;
}

void Sandbox::revoke(const std::string& key)
{
    {
        const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bentoo)]);
        if (_impl->bentoo.revoke(key)) return;
    }
    {
        const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bando)]);
        if (_impl->bando.revoke(key)) return;
    }
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Chatbot)]);
    _impl->chatbot.revoke(key);
}

void Sandbox::setBentooPlan(BentooPlan plan)
{
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bentoo)]);
    _impl->bentoo.setPlan(plan);
}

void Sandbox::restrictBentooKey(const std::string& key, const std::vector<std::string>& blocks)
{
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bentoo)]);
    _impl->bentoo.restrictKey(key, blocks);
}

std::vector<RecordedRequest> Sandbox::requests() const { return _impl->recorder.all(); }
std::vector<RecordedRequest> Sandbox::requests(Provider provider) const { return _impl->recorder.of(provider); }
void Sandbox::clearRequests() { _impl->recorder.clear(); }
std::vector<Sandbox::AuditRecord> Sandbox::audit() const { return _impl->audit.all(); }
std::uint64_t Sandbox::connections() const noexcept { return _impl->server.connections(); }
std::uint64_t Sandbox::answered() const noexcept { return _impl->answered; }
std::uint64_t Sandbox::throttled() const noexcept { return _impl->throttled; }

std::size_t Sandbox::subscribers() const
{
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bento)]);
    return _impl->bento.store().subscriberCount();
}

std::size_t Sandbox::events() const
{
    const std::lock_guard lock(_impl->mutexes[indexOf(Provider::Bento)]);
    return _impl->bento.store().eventCount();
}

} // namespace tollgate::testing
