#include "Failures.h"

#include "tollgate/Json.h"
#include "tollgate/providers/Bando.h"
#include "tollgate/providers/Bento.h"
#include "tollgate/providers/Chatbot.h"
#include "tollgate/testing/Sandbox.h"

#include <memory>

namespace tollgate::demo {

namespace {

using testing::Fault;
using testing::Sandbox;
using testing::SandboxOptions;
using Api = testing::Provider;
using namespace std::chrono_literals;

CredentialSourcePtr fixed(const std::string& text) { return fixedSource(Secret(text)); }

// A sandbox to break things on, so that the accounts of the main show stay clean.
class Failures
{
public:
    explicit Failures(Deck& deck) : _deck(deck), _transport(Transport::create()) { _once.attempts = 1; }

    void show()
    {
        beforeAnythingIsSent();
        credentials();
        limits();
        content();
        network();
    }

private:
    ClientBuilder to(Api api) const { return Client::to(_sandbox.baseUrl(api)).transport(_transport).retry(_once); }

    Bento bento() const
    {
        BentoOptions options;
        options.userAgent = "tollgate-demo/1.0";
        options.baseUrl = _sandbox.baseUrl(Api::Bento);
        options.transport = _transport;
        options.retry = _once;
        options.publishableKey = fixed(_sandbox.bento().publishableKey);
        options.secretKey = fixed(_sandbox.bento().secretKey);
        options.siteUuid = fixed(_sandbox.bento().siteUuid);
        return Bento(options);
    }

    Bando bando(CredentialSourcePtr token) const
    {
        BandoOptions options;
        options.userAgent = "tollgate-demo/1.0";
        options.baseUrl = _sandbox.baseUrl(Api::Bando);
        options.transport = _transport;
        options.retry = _once;
        options.token = std::move(token);
        return Bando(options);
    }

    Chatbot chatbot(const std::string& key, std::vector<std::string> granted) const
    {
        ChatbotOptions options;
        options.userAgent = "tollgate-demo/1.0";
        options.baseUrl = _sandbox.baseUrl(Api::Chatbot);
        options.transport = _transport;
        options.retry = _once;
        options.apiKey = fixed(key);
        options.granted = std::move(granted);
        return Chatbot(options);
    }

    void beforeAnythingIsSent()
    {
        _deck.title("Failures that are found before anything is sent");
        _deck.fails("a variable that is not set", "MissingCredential",
                    [] { environmentSource("TOLLGATE_DEMO_KEY_THAT_IS_NOT_SET"); });
        _deck.fails("the place holder of a sample, never filled in", "InvalidCredential",
                    [&] { bando(fixed("{{token}}")).coolness(); });
        _deck.fails("keys in the URL", "InvalidUrl", [] { Client::to("https://key:secret@app.bentonow.com/api/v1").build(); });
        _deck.fails("a credential over plain http", "InsecureTransport", [&] {
            // An address of RFC 5737, which nobody has: nothing is sent anyway.
            const auto client =
                Client::to("http://203.0.113.7").auth(bearer(Secret("demo-0123456789"))).transport(_transport).build();
            client.get("/bots").send();
        });
        _deck.fails("a line break in a header", "InvalidRequest",
                    [&] { to(Api::Bando).build().get("/coolness").header("X-Note", "one\r\nX-Two: two").send(); });
        _deck.fails("a scope that the key was not given", "MissingScope",
                    [&] { chatbot(_sandbox.chatbot().readKey, {"read"}).createBot({"Greeter"}); });
    }

    void credentials()
    {
        _deck.title("Failures of credentials");
        _deck.fails("a site_uuid left out", "CredentialRejected", [&] {
            const auto& keys = _sandbox.bento();
            to(Api::Bento).auth(basic(keys.publishableKey, Secret(keys.secretKey))).build().get("/fetch/tags").send();
        });
        _deck.fails("a key of a smaller plan or scope than the program believes", "PermissionDenied",
                    [&] { chatbot(_sandbox.chatbot().readKey, {"write"}).createBot({"Greeter"}); });

        // Five bad versions of one token, each tried once, as a careless rotation would. The good one then comes too late.
        auto version = std::make_shared<int>(0);
        const auto careless = bando(callbackSource("token of the demo", [version, good = Secret(_sandbox.bando().token)] {
            return *version < 5 ? Secret("bad-token-number-" + std::to_string(*version)) : good;
        }));
        _deck.fails("a wrong token", "CredentialRejected", [&] { careless.coolness(); });
        _deck.fails("the same token again: nothing is sent", "CredentialRejected", [&] { careless.coolness(); });
        for (*version = 1; *version < 5; ++*version) careless.client().get("/coolness").trySend();
        _deck.fails("four more bad tokens later, the good one", "LockedOut", [&] { careless.coolness(); });
    }

    void limits()
    {
        _deck.title("Failures of limits");
        const auto polite = to(Api::Chatbot).auth(bearer(Secret(_sandbox.chatbot().readKey))).limit(perMinute(2)).build();
        for (int i = 0; i < 2; ++i) polite.get("/bots").send();
        _deck.fails("the third of two calls a minute, with one second of patience", "RateLimited",
                    [&] { polite.get("/bots").timeout(1s).send(); });
        // At Bentoo, which is not asked again: Bento's later failures would wait these seven seconds.
        _deck.fails("a server that says so itself", "RateLimited", [&] {
            Fault full = Fault::answer(429);
            full.retryAfter = 7s;
            _sandbox.inject(Api::Bentoo, full);
            to(Api::Bentoo).auth(bearer(Secret(_sandbox.bentoo().apiKey))).build().get("/models").send();
        });
    }

    void content()
    {
        _deck.title("Failures of content");
        const auto meet = [&](const std::string& what, const char* type, Fault fault) {
            _deck.fails(what, type, [&] {
                _sandbox.inject(Api::Bento, std::move(fault));
                static_cast<void>(bento().tags());
            });
        };
        meet("an HTML page where JSON is due", "Blocked", Fault::of(Fault::Kind::HtmlPage));
        meet("a request stopped in front of the API", "Blocked", Fault::of(Fault::Kind::Blocked));
        meet("JSON that ends early", "UnexpectedContent", Fault::of(Fault::Kind::TruncatedJson));
        meet("a fault of the server", "ServerError", Fault::answer(500));
        _deck.fails("a path that is not there", "NotFound", [&] { bento().request("GET", "/fetch/nothing").send(); });
    }

    void network()
    {
        _deck.title("Failures of the network");
        _deck.fails("an answer that does not end in time", "Timeout", [&] {
            _sandbox.inject(Api::Bento, Fault::of(Fault::Kind::StalledBody));
            bento().request("GET", "/fetch/tags").timeout(300ms).send();
        });
        _deck.fails("a connection reset instead of an answer", "ConnectionLost", [&] {
            _sandbox.inject(Api::Bento, Fault::of(Fault::Kind::Reset));
            static_cast<void>(bento().tags());
        });
        _deck.fails("nobody listens", "ConnectError",
                    [&] { Client::to("http://127.0.0.1:1").transport(_transport).retry(_once).build().get("/").send(); });
        _deck.fails("a server whose certificate nobody vouches for", "TlsError", [&] {
            SandboxOptions options;
            options.tls = true;
            const Sandbox impostor(options);
            Client::to(impostor.baseUrl(Api::Bando)).transport(_transport).retry(_once).build().get("/coolness").send();
        });
        _deck.fails("a call that its caller gave up", "Cancelled", [&] {
            CancellationSource source;
            source.cancel();
            bento().request("GET", "/fetch/tags").cancellation(source.token()).send();
        });
    }

    Deck& _deck;
    Sandbox _sandbox;
    TransportPtr _transport;
    RetryPolicy _once;
};

} // namespace

void showFailures(Deck& deck) { Failures(deck).show(); }

} // namespace tollgate::demo
