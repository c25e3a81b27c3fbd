#pragma once

#include <tollgate/providers/Bando.h>
#include <tollgate/providers/Bento.h>
#include <tollgate/providers/Bentoo.h>
#include <tollgate/providers/Chatbot.h>
#include <tollgate/testing/ScriptedTransport.h>
#include <tollgate/testing/VirtualClock.h>

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

/// What the tests of the providers share: providers over a script, and how an error is looked at.
namespace scripted {

using tollgate::testing::ScriptedTransport;

inline const std::string publishableKey = "pk_8f3c0a6be1d94277";
inline const std::string secretKey = "sk_51c7d20f9ab34e88";
inline const std::string siteUuid = "7c1e9a52-40b6-4d1f-9e83-aa52f1c06b7d";
inline const std::string bentooKey = "btoo_sk_live_q8Zp2LxV7nTeR4wYb1KdUc93mHsAj6Gf";
inline const std::string bandoToken = "bnd.4a7f20c9e6b84d15";
inline const std::string chatbotKey = "cb-93e1f7a2-5b0d46c8";

inline tollgate::CredentialSourcePtr fixed(const std::string& text) { return tollgate::fixedSource(tollgate::Secret(text)); }

/// A script on a clock of its own, so that back-offs and permits cost no time.
inline std::shared_ptr<ScriptedTransport> script()
{
    return ScriptedTransport::create(tollgate::testing::VirtualClock::create());
}

/// The same answer to everything, however often it is asked.
inline std::shared_ptr<ScriptedTransport> always(int status, std::string body, const std::string& type = "application/json")
{
    auto transport = script();
    transport->otherwise([status, body = std::move(body), type](tollgate::Exchange&) {
        tollgate::ResponseHead head;
        head.status = status;
        head.headers.add("Content-Type", type);
        if (status == 429) head.headers.add("Retry-After", "3600"); // too long to be slept through: the answer comes up
        return tollgate::Response(std::move(head), body);
    });
    return transport;
}

inline tollgate::Bento bentoOver(std::shared_ptr<ScriptedTransport> transport, std::size_t batchSize = 1000)
{
    tollgate::BentoOptions options;
    options.userAgent = "Test/1.0";
    options.transport = std::move(transport);
    options.publishableKey = fixed(publishableKey);
    options.secretKey = fixed(secretKey);
    options.siteUuid = fixed(siteUuid);
    options.batchSize = batchSize;
    return tollgate::Bento(options);
}

inline tollgate::Bentoo bentooOver(std::shared_ptr<ScriptedTransport> transport)
{
    tollgate::BentooOptions options;
    options.userAgent = "Test/1.0";
    options.transport = std::move(transport);
    options.apiKey = fixed(bentooKey);
    return tollgate::Bentoo(options);
}

inline tollgate::Bando bandoOver(std::shared_ptr<ScriptedTransport> transport, bool withToken = true)
{
    tollgate::BandoOptions options;
    options.userAgent = "Test/1.0";
    options.transport = std::move(transport);
    if (withToken) options.token = fixed(bandoToken);
    return tollgate::Bando(options);
}

inline tollgate::Chatbot chatbotOver(std::shared_ptr<ScriptedTransport> transport,
                                     std::vector<std::string> granted = {"read", "write"})
{
    tollgate::ChatbotOptions options;
    options.userAgent = "Test/1.0";
    options.baseUrl = "https://bots.example.com";
    options.transport = std::move(transport);
    options.apiKey = fixed(chatbotKey);
    options.granted = std::move(granted);
    return tollgate::Chatbot(options);
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline void checkHoldsNoSecret(const std::string& text)
{
    for (const std::string* secret : {&publishableKey, &secretKey, &siteUuid, &bentooKey, &bandoToken, &chatbotKey})
        BOOST_CHECK_MESSAGE(!contains(text, *secret), "a secret stands in an error's text");
    BOOST_CHECK(!contains(text, tollgate::base64(publishableKey + ":" + secretKey)));
}

/// A connection that was lost on the way.
inline tollgate::ErrorPtr connectionLost(tollgate::Delivery delivery)
{
    tollgate::ErrorDetails details;
    details.message = "the connection was lost";
    details.hint = "Try again.";
    details.delivery = delivery;
    return std::make_shared<tollgate::ConnectionLost>(details);
}

/// Runs `call`, which must throw exactly a `Leaf`; answers the error. Its text must hold all `parts` and no secret.
template <class Leaf, class Call>
std::shared_ptr<const tollgate::Error> thrownBy(const Call& call, std::initializer_list<std::string> parts = {})
{
    try {
        call();
    } catch (const tollgate::Error& error) {
        const std::string text = error.displayText() + '\n' + error.what();
        BOOST_CHECK_EQUAL(std::string(error.name()), Leaf::typeName);
        BOOST_CHECK(!error.hint().empty());
        for (const std::string& part : parts) BOOST_CHECK_MESSAGE(contains(text, part), "\"" << part << "\" is not in: " << text);
        checkHoldsNoSecret(text);
        return error.with(error.details());
    }
    BOOST_FAIL("nothing was thrown");
    return nullptr;
}

} // namespace scripted
