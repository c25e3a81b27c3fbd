// The demo: a shop's back office that talks to four APIs through one transport, and what it looks like when things go wrong.
// Everything happens on this machine: the APIs are played by the sandbox.

#include "Deck.h"
#include "Failures.h"
#include "ImportSource.h"
#include "ProgressLine.h"
#include "Quantities.h"

#include "tollgate/providers/Bando.h"
#include "tollgate/providers/Bento.h"
#include "tollgate/providers/Bentoo.h"
#include "tollgate/providers/Chatbot.h"
#include "tollgate/testing/Sandbox.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>

namespace {

using namespace tollgate;
using demo::Deck;
using testing::Sandbox;
using Api = testing::Provider;

constexpr const char* agent = "tollgate-demo/1.0";

CredentialSourcePtr fixed(const std::string& text) { return fixedSource(Secret(text)); }

// Counts the connections that one provider's calls opened.
class Connections : public Observer
{
public:
    void onAttempt(const AttemptRecord& record) override
    {
        if (!record.attempt.reusedConnection) ++_opened;
    }
    int opened() const noexcept { return _opened; }

private:
    std::atomic<int> _opened{0};
};

// The four clients. All share one transport; each counts its own connections.
struct Office
{
    explicit Office(const Sandbox& sandbox)
        : transport(Transport::create())
        , bento(makeBento(sandbox))
        , bentoo(makeBentoo(sandbox))
        , bando(makeBando(sandbox))
        , chatbot(makeChatbot(sandbox))
    {}

    template <class Options>
    Options options(const Sandbox& sandbox, Api api, std::size_t place)
    {
        Options options;
        options.userAgent = agent;
        options.baseUrl = sandbox.baseUrl(api);
        options.transport = transport;
        options.observer = connections[place];
        return options;
    }

    Bento makeBento(const Sandbox& sandbox)
    {
        auto o = options<BentoOptions>(sandbox, Api::Bento, 0);
        o.publishableKey = fixed(sandbox.bento().publishableKey);
        o.secretKey = fixed(sandbox.bento().secretKey);
        o.siteUuid = fixed(sandbox.bento().siteUuid);
        return Bento(o);
    }
    Bentoo makeBentoo(const Sandbox& sandbox)
    {
        auto o = options<BentooOptions>(sandbox, Api::Bentoo, 1);
        o.apiKey = fixed(sandbox.bentoo().apiKey);
        o.plan = BentooPlan::Pro;
        return Bentoo(o);
    }
    Bando makeBando(const Sandbox& sandbox)
    {
        auto o = options<BandoOptions>(sandbox, Api::Bando, 2);
        o.token = fixed(sandbox.bando().token);
        return Bando(o);
    }
    Chatbot makeChatbot(const Sandbox& sandbox)
    {
        auto o = options<ChatbotOptions>(sandbox, Api::Chatbot, 3);
        o.apiKey = fixed(sandbox.chatbot().adminKey);
        o.granted = {"admin"};
        return Chatbot(o);
    }

    std::vector<std::shared_ptr<Connections>> connections{std::make_shared<Connections>(), std::make_shared<Connections>(),
                                                          std::make_shared<Connections>(), std::make_shared<Connections>()};
    TransportPtr transport;
    Bento bento;
    Bentoo bentoo;
    Bando bando;
    Chatbot chatbot;
};

void importSubscribers(const Deck& deck, const Bento& bento, const std::string& file)
{
    deck.title("Bento: importing subscribers");
    command::ProgressLine progress;
    command::ImportSource source(file, {}, 1, [&](const command::CsvRow& row, const std::string& reason) {
        progress.note(fmt::format("  line {}: {}", row.line, reason));
    });
    const auto report =
        bento.importSubscribers([&] { return source.next(); })
            .onProgress([&](const bento::ImportProgress& done) {
                progress.show({done.rowsDone + source.bad(), done.rowsFailed + source.bad(), done.waited, source.part()}, true);
            })
            .run();
    progress.clear();
    report.orThrow();
    deck.line(fmt::format("  {} of {} rows imported in {} requests; the other {} are told above", report.imported,
                          source.good() + source.bad(), report.chunks, report.failed + source.bad()));
    const auto known = bento.subscriber("ana.oconnor.2@example.org");
    deck.line(fmt::format("  Bento knows one of them now: {}", known ? known->email : "not yet"));
}

void callTheOthers(const Deck& deck, const Office& office)
{
    deck.title("Bentoo: asking a model");
    const auto reply =
        office.bentoo.chat({"claude-sonnet-4-6", {{"user", "Write a one-line welcome for new subscribers."}}, {}, {}});
    deck.line(fmt::format("  {} answers: {}", reply.model, reply.content));

    deck.title("Bando: products");
    deck.line(fmt::format("  coolness: {}", office.bando.coolness()));
    for (const auto& product : office.bando.products())
        deck.line(fmt::format("  {}: {} {}", product.brand, product.price.value, product.price.currency));

    deck.title("Chatbot platform: bots");
    const auto bot = office.chatbot.createBot({"Greeter", {}});
    office.chatbot.updateBot(bot.id, {"Greeter of subscribers", {}});
    for (const auto& each : office.chatbot.bots()) deck.line(fmt::format("  {} {}", each.id, each.name));
}

// One line a limit.
std::vector<std::string> quotaOf(const Client& client)
{
    std::vector<std::string> lines;
    for (const auto& view : client.quota().limits) lines.push_back(fmt::format("{} of {}", view.remaining, view.limit));
    if (lines.empty()) lines.emplace_back("no limit");
    return lines;
}

void showTable(const Deck& deck, const Office& office)
{
    deck.title("One transport, four APIs");
    const std::vector<std::pair<const char*, const Client*>> rows{{"Bento", &office.bento.client()},
                                                                  {"Bentoo", &office.bentoo.client()},
                                                                  {"Bando", &office.bando.client()},
                                                                  {"chatbot", &office.chatbot.client()}};
    deck.strong(fmt::format("  {:<9} {:>5}  {:>5}  {:>11}  {}", "provider", "calls", "waits", "connections", "quota left"));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto stats = rows[i].second->stats();
        const auto quota = quotaOf(*rows[i].second);
        deck.line(fmt::format("  {:<9} {:>5}  {:>5}  {:>11}  {}", rows[i].first, stats.calls, stats.waits,
                              office.connections[i]->opened(), quota.front()));
        for (std::size_t more = 1; more < quota.size(); ++more) deck.line(fmt::format("{:38}{}", "", quota[more]));
    }
    const auto stats = office.transport->stats();
    deck.line(fmt::format("  {} exchanges over {} connections", stats.exchanges, stats.connectionsOpened));
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        fmt::print(stderr, "usage: tollgate-demo SUBSCRIBERS.csv\n");
        return 2;
    }
    try {
        Deck deck;
        const Sandbox sandbox;
        const Office office(sandbox);
        deck.line("The four APIs are played by the sandbox, on this machine; the limits are the real ones.");
        importSubscribers(deck, office.bento, argv[1]);
        callTheOthers(deck, office);
        showFailures(deck);
        showTable(deck, office);
        if (deck.surprises() == 0) return 0;
        deck.line(fmt::format("{} of {} failures were not the expected ones.", deck.surprises(), deck.failures()));
    } catch (const std::exception& error) {
        fmt::print(stderr, "tollgate-demo: {}\n", error.what());
    }
    return 1;
}
