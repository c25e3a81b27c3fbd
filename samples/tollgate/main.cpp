// The tollgate command: see docs/command.md.

#include "Commands.h"
#include "Report.h"

#include "tollgate/Version.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

namespace {

using namespace tollgate::command;

// Words of the command line are not repeated, because one of them may be a secret: only names of options are.
UsageError usageError(const CLI::ParseError& error, const CLI::App& app, int argc, char** argv)
{
    std::string message = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
        message = "there is an argument too many";
        for (const std::string& extra : app.remaining(true))
            if (extra.substr(0, 2) == "--") message = fmt::format("unknown option {}", extra.substr(0, extra.find('=')));
    } else if (message.find("subcommand is required") != std::string::npos) {
        message = "the subcommand is missing or misspelled: there are request, doctor, quota, tls and bento import";
    } else if (dynamic_cast<const CLI::ConversionError*>(&error) || dynamic_cast<const CLI::ValidationError*>(&error))
        message = fmt::format("an option has a value that cannot be read, or is out of range ({})",
                              message.substr(0, message.find(':')));
    const bool help = std::find(argv, argv + argc, std::string_view("--help")) != argv + argc;
    return UsageError(message, help ? "" : "Run the command with --help to see what it takes.");
}

int run(int argc, char** argv, Control& control)
{
    CLI::App app{"Talks to authenticated, rate-limited HTTP APIs", "tollgate"};
    app.set_version_flag("--version", std::string("tollgate ") + tollgate::version());
    app.require_subcommand(1);
    app.footer(exitStatusTable);
    Run chosen;
    addRequestCommand(app, chosen);
    addDoctorCommand(app, chosen);
    addBentoCommand(app, chosen);
    addQuotaCommand(app, chosen);
    addTlsCommand(app, chosen);

    // A script that asked for JSON gets JSON, even if the rest of the command line cannot be read.
    const bool json = std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
    control.renderFailure([json](const Failure& failure, std::string& out, std::string& err) {
        (json ? out : err) = json ? jsonLine(failureJson(failure)) : failure.text();
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help) {
        std::ostringstream out;
        app.exit(help, out, out);
        return control.finish(ExitStatus::Ok, out.str());
    } catch (const CLI::ParseError& error) {
        return control.finish(Failure(usageError(error, app, argc, argv)));
    }
    return chosen(control);
}

} // namespace

int main(int argc, char** argv)
{
    Control control;
    try {
        return run(argc, argv, control);
    } catch (const tollgate::Error& error) {
        return control.finish(Failure(error));
    } catch (const std::exception& error) {
        return control.finish(Failure(error));
    }
}
