#include "Options.h"

#include "tollgate/Version.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <chrono>
#include <iostream>

namespace {

constexpr int usageError = 2;

/// "250ms", "3s", "5m", "1h". Throws CLI::ValidationError, which names the option.
std::chrono::milliseconds durationOf(const std::string& option, const std::string& text)
{
    long long number = 0;
    const auto* const end = text.data() + text.size();
    const auto [unit, error] = std::from_chars(text.data(), end, number);
    const std::string_view name(unit, static_cast<std::size_t>(end - unit));
    const long long factor = name == "ms" ? 1 : name == "s" ? 1'000 : name == "m" ? 60'000 : name == "h" ? 3'600'000 : 0;
    constexpr long long longest = 10LL * 366 * 24 * 3'600'000;
    if (error != std::errc() || factor == 0 || number < 0 || number > longest / factor)
        throw CLI::ValidationError(option, "\"" + text + "\" is no duration: write a number and ms, s, m or h, such as 3s");
    return std::chrono::milliseconds(number * factor);
}

void addDuration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value, const std::string& help)
{
    app.add_option_function<std::string>(
           name, [name, &value](const std::string& text) { value = durationOf(name, text); }, help)
        ->type_name("DURATION");
}

void addOptions(CLI::App& app, Options& options)
{
    auto& sandbox = options.sandbox;
    app.add_option("--ready-file", options.readyFile,
                   "Write base URLs and keys to this file (JSON, mode 0600) once all ports listen")
        ->type_name("PATH");
    app.add_flag("--tls", sandbox.tls, "Serve https with a certificate made for this run");
    app.add_flag("--show-keys", options.showKeys, "Print the keys too; without it they are in the ready file only");
    app.add_option("--address", sandbox.address, "Loopback address to listen on")->capture_default_str();

    const auto port = [&](const char* name, std::uint16_t& value, const char* help) {
        app.add_option(name, value, help)->type_name("PORT")->group("Ports (0: any free one)");
    };
    port("--bento-port", sandbox.bentoPort, "Port of Bento");
    port("--bentoo-port", sandbox.bentooPort, "Port of Bentoo");
    port("--bando-port", sandbox.bandoPort, "Port of Bando");
    port("--chatbot-port", sandbox.chatbotPort, "Port of the chatbot platform");
    app.add_option_function<std::uint16_t>(
           "--control-port", [&sandbox](std::uint16_t value) { sandbox.controlPort = value; },
           "Port of the control API; it has a free one without this option")
        ->type_name("PORT")
        ->group("Ports (0: any free one)");

    const auto limit = [&](const char* name, unsigned& value, const char* help) {
        app.add_option(name, value, help)->type_name("N")->capture_default_str()->group("Limits (0: off)");
    };
    limit("--bento-limit", sandbox.bentoPerWindow, "Bento: requests a window and family");
    limit("--bentoo-limit", sandbox.bentooPerWindow, "Bentoo: requests a window and key, plus 20 % burst");
    limit("--bando-limit", sandbox.bandoPerHour, "Bando: requests an hour with a token; 60 % of it without");
    limit("--chatbot-limit", sandbox.chatbotPerHour, "Chatbot platform: requests an hour and key");
    limit("--bando-lockout-after", sandbox.bandoLockoutAfter, "Bando: bad tokens that lock an address");

    addDuration(app, "--window", sandbox.window, "What a minute is for Bento and Bentoo [60s]");
    addDuration(app, "--hour", sandbox.hour, "What an hour is for Bando and the chatbot platform [1h]");
    addDuration(app, "--bando-lockout", sandbox.bandoLockout, "How long a lockout lasts [300s]");
    addDuration(app, "--bando-lockout-within", sandbox.bandoLockoutWithin, "How close together bad tokens count [60s]");
    addDuration(app, "--bento-import-delay", sandbox.bentoImportDelay, "How late imported subscribers become visible [0s]");
    app.add_option("--max-recorded", sandbox.maxRecorded, "Requests kept for the control API; 0: none")
        ->type_name("N")
        ->capture_default_str();
}

} // namespace

std::optional<Options> readOptions(int argc, char** argv, int& status)
{
    CLI::App app("Plays the APIs of Bento, Bentoo, Bando and the chatbot platform on loopback ports.\n"
                 "Durations are a number with ms, s, m or h. It ends on SIGTERM or SIGINT.",
                 "tollgate-sandbox");
    app.set_version_flag("--version", tollgate::version());
    Options options;
    options.sandbox.controlPort = 0;
    addOptions(app, options);
    try {
        app.parse(argc, argv);
        return options;
    } catch (const CLI::ParseError& error) {
        status = app.exit(error, std::cout, std::cerr) == 0 ? 0 : usageError;
        return std::nullopt;
    }
}
