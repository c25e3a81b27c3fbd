// tollgate request METHOD URL

#include "Commands.h"
#include "CurlText.h"
#include "Notes.h"
#include "Prompt.h"
#include "Quantities.h"
#include "Report.h"
#include "RequestOptions.h"

#include "tollgate/Client.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <utility>

namespace tollgate::command {

namespace {

constexpr std::size_t maxInput = 256 * 1024 * 1024; // a body that large wants a program, not a command line

void renderAsJson(const Failure& failure, std::string& out, std::string&) { out = jsonLine(failureJson(failure)); }

void renderAsText(const Failure& failure, std::string& out, std::string& err)
{
    if (failure.exitStatus() == ExitStatus::Interrupted) {
        const bool sent = failure.details().delivery != Delivery::NotSent;
        err = fmt::format("tollgate: cancelled; {}\n", sent ? "the server may have acted on the request" : "nothing was sent");
        return;
    }
    if (failure.details().response) out = failure.details().response->body();
    if (!out.empty() && out.back() != '\n') err = "\n"; // keeps the message off the body's last line
    err += failure.text();
}

std::string readData(const std::string& data, const Control& control)
{
    if (data.substr(0, 1) != "@") return data;
    if (data == "@-") return readDescriptor(STDIN_FILENO, maxInput, control);
    const std::string path = data.substr(1);
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        throw InvalidRequest(
            fmt::format("--data: {} cannot be read: {}", path, std::strerror(errno)), // NOLINT(concurrency-mt-unsafe)
            "Check the path and its permissions.");
    const std::shared_ptr<void> closer(nullptr, [descriptor](void*) { ::close(descriptor); });
    return readDescriptor(descriptor, maxInput, control);
}

TransportPtr transportFor(const RequestOptions& options)
{
    TransportOptions transport;
    if (options.connectTimeout)
        transport.connectTimeout = std::chrono::duration_cast<std::chrono::milliseconds>(*options.connectTimeout);
    if (options.maxBody) transport.maxBodyBytes = *options.maxBody;
    transport.proxy = options.proxy;
    transport.tls.caFile = options.caFile;
    return Transport::create(transport);
}

Client clientFor(const RequestOptions& options, AuthStrategyPtr auth, const TransportPtr& transport)
{
    RetryPolicy retry;
    retry.attempts = options.retries + 1;
    ClientBuilder builder = Client::to(options.url.origin().text());
    builder.auth(std::move(auth)).retry(retry).transport(transport);
    builder.quotaStore(options.store.open(!options.limits.empty())).observer(notesOnStandardError());
    for (const RateLimitPolicyPtr& limit : options.limits.windows) builder.limit(limit);
    if (options.limits.lockout) builder.limit(*options.limits.lockout);
    if (options.follow) builder.followRedirects(maxRedirects);
    return builder.build();
}

Result<Response> send(const RequestOptions& options, const TransportPtr& transport, Control& control)
{
    const Client client = clientFor(options, options.auth.strategy(control), transport);
    Request request = client.request(options.method, options.url.text());
    for (const auto& [name, value] : options.headers) request.header(name, value);
    if (options.data) request.body(readData(*options.data, control), options.contentType);
    request.deadline(control.deadline()).cancellation(control.token());
    control.startSending();
    return request.trySend();
}

int runRequest(const RequestArguments& arguments, Control& control)
{
    control.renderFailure(arguments.json ? renderAsJson : renderAsText);
    std::optional<Duration> deadline;
    if (arguments.deadline) {
        deadline = parseDuration(*arguments.deadline, "--deadline");
        control.endWithin(*deadline);
    }
    const RequestOptions options(arguments);
    const TransportPtr transport = transportFor(options); // checks --proxy, which --curl is about to print
    if (arguments.curl) {
        const std::string line = curlText(options, deadline);
        if (!arguments.json) return control.finish(ExitStatus::Ok, line + '\n');
        Poco::JSON::Object::Ptr object = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
        object->set("curl", line);
        object->set("error", Poco::Dynamic::Var());
        return control.finish(ExitStatus::Ok, jsonLine(object));
    }

    const Result<Response> result = send(options, transport, control);
    if (!result) return control.finish(Failure(result.error()));
    return control.finish(ExitStatus::Ok, arguments.json ? jsonLine(answerJson(result.value())) : result.value().body());
}

} // namespace

void addRequestCommand(CLI::App& app, Run& run)
{
    auto arguments = std::make_shared<RequestArguments>();
    auto* command = app.add_subcommand("request", "Sends one request and prints the answer");
    command->add_option("METHOD", arguments->method, "GET, POST, ...")->required();
    command->add_option("URL", arguments->url, "http or https; credentials go over https only, loopback excepted")->required();
    command->add_option("--header", arguments->headers, "\"Name: value\"; may be given many times")->allow_extra_args(false);
    command->add_option("--data", arguments->data,
                        "Body: TEXT, @FILE, or @- for standard input; application/json unless --header says so");
    command->add_option("--auth", arguments->auth,
                        "bearer:env:NAME, basic:env:USER:env:PASS, basic-site:env:PK:env:SK:env:SITE, anonymous; "
                        "file:PATH or prompt may stand for env:NAME. Never the secret itself");
    command
        ->add_option("--limit", arguments->limits,
                     "At most so many requests, this run and all others with the same store counted: 100/min, 10/s, 1000/h, "
                     "100/2s; :adaptive, :paced, :server or :/path may follow; or lockout. May be given many times")
        ->allow_extra_args(false);
    command->add_option("--store", arguments->store, storeHelp);
    command->add_option("--deadline", arguments->deadline,
                        "Ends the whole command by then: 500ms, 5s, 2m (default 60s for the call)");
    command->add_option("--connect-timeout", arguments->connectTimeout, "For name resolution and connect (default 10s)");
    command->add_option("--retries", arguments->retries, "Further attempts where it is safe (default 2)")
        ->check(CLI::Range(0, 100));
    command->add_flag("--follow", arguments->follow,
                      "Follows up to 10 redirects; credential and --header fields stay with the first host");
    command->add_option("--proxy", arguments->proxy, "HTTP proxy for all connections: http://proxy.example.com:3128");
    command->add_option("--ca-file", arguments->caFile, "PEM file of the authorities to trust instead of the system's");
    command->add_option("--max-body", arguments->maxBody, "Largest answer to take, in bytes or as 64K, 10M (default 64M)");
    command->add_flag("--json", arguments->json, "Prints exactly one JSON object, also for failures");
    command->add_flag("--curl", arguments->curl, "Prints the equivalent curl command and sends nothing");
    command->footer(exitStatusTable);
    command->callback([arguments, &run] { run = [arguments](Control& control) { return runRequest(*arguments, control); }; });
}

} // namespace tollgate::command
