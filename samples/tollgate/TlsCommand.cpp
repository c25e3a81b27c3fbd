// tollgate tls URL

#include "Commands.h"
#include "Quantities.h"
#include "Report.h"

#include "tollgate/Transport.h"

#include <CLI/CLI.hpp>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/JSON/Array.h>
#include <Poco/Timestamp.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

namespace tollgate::command {

namespace {

struct TlsArguments
{
    std::string url;
    std::string caFile;
    std::string proxy;
    std::string timeout = "10s";
    std::vector<std::string> pins;
    bool json = false;
};

using Object = Poco::JSON::Object::Ptr;

Object newObject() { return new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER); }

std::string dateOf(WallTime time)
{
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
    return Poco::DateTimeFormatter::format(Poco::Timestamp(since.count()), Poco::DateTimeFormat::ISO8601_FORMAT);
}

std::string line(const char* name, const std::string& value) { return fmt::format("  {:<12}{}\n", name, value); }

std::string textOf(const TlsCertificate& certificate)
{
    std::string text = line("certificate", certificate.subject.empty() ? "without a subject" : certificate.subject);
    text += line("", "issued by " + certificate.issuer);
    if (!certificate.names.empty()) text += line("", fmt::format("for {}", fmt::join(certificate.names, ", ")));
    text += line("", fmt::format("valid from {} to {}", dateOf(certificate.validFrom), dateOf(certificate.validUntil)));
    return text + line("", "pin sha256/" + certificate.pin);
}

std::string textOf(const TlsReport& report)
{
    std::string text = fmt::format("{} port {}, at {}\n", report.host, report.port, report.address);
    text += line("verified", report.verified ? "yes" : "NO: " + report.problem);
    if (!report.version.empty()) text += line("protocol", fmt::format("{}, {}, {}", report.version, report.cipher, report.group));
    text += line("trusted", report.trust);
    if (report.clientCertificateAsked) text += line("client", "the server asks for a client certificate");
    for (const TlsCertificate& certificate : report.chain) text += textOf(certificate);
    return text;
}

Object jsonOf(const TlsCertificate& certificate)
{
    Object object = newObject();
    object->set("subject", certificate.subject);
    object->set("issuer", certificate.issuer);
    Poco::JSON::Array::Ptr names = new Poco::JSON::Array;
    for (const std::string& name : certificate.names) names->add(name);
    object->set("names", names);
    object->set("validFrom", dateOf(certificate.validFrom));
    object->set("validUntil", dateOf(certificate.validUntil));
    object->set("pin", "sha256/" + certificate.pin);
    return object;
}

std::string jsonOf(const TlsReport& report)
{
    Object object = newObject();
    object->set("host", report.host);
    object->set("port", report.port);
    object->set("address", report.address);
    object->set("verified", report.verified);
    object->set("problem", report.problem);
    object->set("version", report.version);
    object->set("cipher", report.cipher);
    object->set("group", report.group);
    object->set("trust", report.trust);
    object->set("clientCertificateAsked", report.clientCertificateAsked);
    Poco::JSON::Array::Ptr chain = new Poco::JSON::Array;
    for (const TlsCertificate& certificate : report.chain) chain->add(jsonOf(certificate));
    object->set("chain", chain);
    object->set("error", Poco::Dynamic::Var());
    return jsonLine(object);
}

int runTls(const TlsArguments& arguments, Control& control)
{
    TransportOptions options;
    const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(parseDuration(arguments.timeout, "--timeout"));
    options.connectTimeout = options.tlsTimeout = timeout;
    options.proxy = arguments.proxy;
    options.tls.caFile = arguments.caFile;
    options.tls.resumeSessions = false; // the certificates themselves are what is asked for
    for (const std::string& pin : arguments.pins) options.tls.pins.push_back({Url(arguments.url).origin().host, pin});
    const TlsReport report = Transport::create(options)->tlsReport(arguments.url, control.token());
    return control.finish(report.verified ? ExitStatus::Ok : ExitStatus::Tls, arguments.json ? jsonOf(report) : textOf(report));
}

} // namespace

void addTlsCommand(CLI::App& app, Run& run)
{
    auto arguments = std::make_shared<TlsArguments>();
    auto* command = app.add_subcommand("tls", "Shows what TLS comes to with a server, and the pins of its certificates");
    command->add_option("URL", arguments->url, "https://host or https://host:port; nothing is requested")->required();
    command->add_option("--ca-file", arguments->caFile, "PEM file of the authorities to trust instead of the system's");
    command->add_option("--pin", arguments->pins,
                        "A public key that must be in the chain: sha256/BASE64; may be given many times");
    command->add_option("--proxy", arguments->proxy, "HTTP proxy: http://host:port");
    command->add_option("--timeout", arguments->timeout, "For connecting, and again for the handshake; default 10s");
    command->add_flag("--json", arguments->json, "Prints one JSON object");
    command->footer(exitStatusTable);
    command->callback([arguments, &run] {
        run = [arguments](Control& control) {
            if (arguments->json)
                control.renderFailure(
                    [](const Failure& failure, std::string& out, std::string&) { out = jsonLine(failureJson(failure)); });
            return runTls(*arguments, control);
        };
    });
}

} // namespace tollgate::command
