// Bento: list the tags, tell of an event, import subscribers.

#include "support/Sample.h"

#include <tollgate/providers/Bento.h>

using tollgate::testing::Provider;

namespace {

tollgate::Bento connect(const tollgate::testing::Sandbox* sandbox)
{
    if (!sandbox) return tollgate::Bento::fromEnvironment("sample-bento/1.0");

    tollgate::BentoOptions options;
    options.userAgent = "sample-bento/1.0";
    options.baseUrl = sandbox->baseUrl(Provider::Bento);
    options.publishableKey = sample::fixed(sandbox->bento().publishableKey);
    options.secretKey = sample::fixed(sandbox->bento().secretKey);
    options.siteUuid = sample::fixed(sandbox->bento().siteUuid);
    return tollgate::Bento(options);
}

void write(const tollgate::Bento& bento)
{
    bento.sendEvents({{"$custom.sample", "zoe@example.com", {{"company", "Acme"}}, {{"plan", "pro"}}, "sample-1"}});
    fmt::print("Sent one event.\n");

    const auto report = bento
                            .importSubscribers({{"zoe@example.com", "Zoë", "Doe", {"customer"}},
                                                {"no address", "Nobody"},
                                                {"yan@example.com", "Yan", "", {"lead"}, {}, {{"visits", 3}}}})
                            .onProgress([](const auto& progress) { fmt::print("... {} rows\n", progress.rowsDone); })
                            .run();
    fmt::print("Imported {}, refused {}.\n", report.imported, report.failed);
    for (const auto& failure : report.failures) fmt::print("  row {}: {}\n", failure.row, failure.reason);
    report.orThrow();

    if (const auto zoe = bento.subscriber("zoe@example.com")) fmt::print("Bento knows {}.\n", zoe->email);
}

} // namespace

int main(int argc, char** argv)
{
    return sample::run([&] {
        const auto sandbox = sample::sandboxUnlessSet("Bento", {"BENTO_PUBLISHABLE_KEY", "BENTO_SECRET_KEY", "BENTO_SITE_UUID"});
        const auto bento = connect(sandbox.get());

        if (sandbox) bento.createTag("customer");
        for (const auto& tag : bento.tags()) fmt::print("Tag: {}\n", tag.name);

        if (sandbox || sample::asksFor("--write", argc, argv))
            write(bento);
        else
            fmt::print("Nothing is written to your account; --write sends an event and imports two subscribers.\n");

        for (const auto& limit : bento.quota().limits)
            fmt::print("{} of {} left: {}\n", limit.remaining, limit.capacity, limit.limit);
    });
}
