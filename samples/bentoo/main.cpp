// Bentoo: which models are there, and one question to the first.

#include "support/Sample.h"

#include <tollgate/providers/Bentoo.h>

using tollgate::testing::Provider;

namespace {

tollgate::Bentoo connect(const tollgate::testing::Sandbox* sandbox)
{
    if (!sandbox) return tollgate::Bentoo::fromEnvironment("sample-bentoo/1.0");

    tollgate::BentooOptions options;
    options.userAgent = "sample-bentoo/1.0";
    options.baseUrl = sandbox->baseUrl(Provider::Bentoo);
    options.apiKey = sample::fixed(sandbox->bentoo().apiKey);
    return tollgate::Bentoo(options);
}

} // namespace

int main()
{
    return sample::run([] {
        const auto sandbox = sample::sandboxUnlessSet("Bentoo", {"BENTOO_API_KEY"});
        const auto bentoo = connect(sandbox.get());

        const auto models = bentoo.models();
        if (models.empty()) {
            fmt::print("The account has no models.\n");
            return;
        }
        for (const auto& model : models) fmt::print("Model: {}\n", model.id);

        const auto reply = bentoo.chat({models.front().id, {{"user", "What is a tollgate, in one sentence?"}}, 0.2, 60});
        fmt::print("{} answers: {}\n", reply.model, reply.content);
        fmt::print("That took {} tokens ({}).\n", reply.usage.totalTokens, reply.finishReason);
    });
}
