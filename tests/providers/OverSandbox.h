#pragma once

#include "Scripted.h"

#include <tollgate/testing/Sandbox.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

/// Providers that talk to the sandbox over real sockets.
namespace over {

using tollgate::testing::Sandbox;

/// A transport on the clock given, or on the machine's.
inline tollgate::TransportPtr transport(std::shared_ptr<tollgate::Clock> clock = {})
{
    tollgate::TransportOptions options;
    options.clock = std::move(clock);
    return tollgate::Transport::create(std::move(options));
}

inline void fill(tollgate::ProviderOptions& options, const Sandbox& sandbox, tollgate::testing::Provider provider)
{
    options.userAgent = "Test/1.0";
    options.baseUrl = sandbox.baseUrl(provider);
    options.transport = transport();
}

inline tollgate::BentoOptions bentoOptions(const Sandbox& sandbox)
{
    tollgate::BentoOptions options;
    fill(options, sandbox, tollgate::testing::Provider::Bento);
    options.publishableKey = scripted::fixed(sandbox.bento().publishableKey);
    options.secretKey = scripted::fixed(sandbox.bento().secretKey);
    options.siteUuid = scripted::fixed(sandbox.bento().siteUuid);
    return options;
}

inline tollgate::BentooOptions bentooOptions(const Sandbox& sandbox)
{
    tollgate::BentooOptions options;
    fill(options, sandbox, tollgate::testing::Provider::Bentoo);
    options.apiKey = scripted::fixed(sandbox.bentoo().apiKey);
    return options;
}

inline tollgate::BandoOptions bandoOptions(const Sandbox& sandbox)
{
    tollgate::BandoOptions options;
    fill(options, sandbox, tollgate::testing::Provider::Bando);
    options.token = scripted::fixed(sandbox.bando().token);
    return options;
}

inline tollgate::ChatbotOptions chatbotOptions(const Sandbox& sandbox, const std::string& key, std::vector<std::string> granted)
{
    tollgate::ChatbotOptions options;
    fill(options, sandbox, tollgate::testing::Provider::Chatbot);
    options.apiKey = scripted::fixed(key);
    options.granted = std::move(granted);
    return options;
}

} // namespace over
