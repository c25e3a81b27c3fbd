// tollgate bento import FILE.csv

#include "Commands.h"
#include "ImportSource.h"
#include "Notes.h"
#include "ProgressLine.h"
#include "ProviderSetup.h"
#include "Quantities.h"
#include "StoreOption.h"

#include "tollgate/Transport.h"
#include "tollgate/Version.h"
#include "tollgate/providers/Bento.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>

namespace tollgate::command {

namespace {

constexpr std::uint64_t mostNotes = 50; // bad rows told one by one; the rest is counted, and written to --rejects

struct ImportArguments
{
    std::string file;
    std::string columns;
    std::string rejects;
    std::string userAgent = std::string("tollgate/") + version();
    std::string caFile;
    std::optional<std::string> store;
    std::size_t fromLine = 1;
    bool strict = false;
    bool dryRun = false;
};

/// As Bento::fromEnvironment(), and with a store of its own.
Bento bentoOf(const ImportArguments& arguments)
{
    BentoOptions options;
    options.publishableKey = environmentSource("BENTO_PUBLISHABLE_KEY");
    options.secretKey = environmentSource("BENTO_SECRET_KEY");
    options.siteUuid = environmentSource("BENTO_SITE_UUID");
    options.baseUrl = variableValue("BENTO_BASE_URL").value_or("");
    options.userAgent = arguments.userAgent;
    TransportOptions transport;
    transport.tls.caFile = arguments.caFile;
    options.transport = Transport::create(transport);
    options.quotaStore = StoreOption(arguments.store).open();
    options.observer = notesOnStandardError();
    return Bento(std::move(options));
}

class Import
{
public:
    Import(const ImportArguments& arguments, Control& control) : _arguments(arguments), _control(control) {}

    int run()
    {
        if (_arguments.strict || _arguments.dryRun) // a pass of its own, so that nothing is sent before all is known
        {
            auto source = open();
            while (source->next() && !_control.token().isCancelled())
                _progress.show({source->good() + source->bad(), source->bad(), {}, source->part()});
            _progress.clear();
            if (_control.token().isCancelled()) throw Cancelled("cancelled while the file was checked");
            if (_arguments.dryRun) return finishDryRun(*source);
            if (source->bad() > 0) refuse(source->bad());
        }
        return send();
    }

private:
    std::unique_ptr<ImportSource> open()
    {
        _rejects.close();
        auto source =
            std::make_unique<ImportSource>(_arguments.file, _arguments.columns, _arguments.fromLine,
                                           [this](const CsvRow& row, const std::string& reason) { onBad(row, reason); });
        if (_arguments.rejects.empty()) return source;
        _rejects.open(_arguments.rejects, std::ios::binary | std::ios::trunc);
        if (!_rejects)
            throw InvalidRequest(fmt::format("--rejects: {} cannot be written", _arguments.rejects),
                                 "Check the path and its permissions.");
        return source;
    }

    void onBad(const CsvRow& row, const std::string& reason)
    {
        if (_rejects.is_open()) _rejects << row.raw;
        note(row.line, row.lastLine, reason);
    }

    void note(std::size_t line, std::size_t lastLine, const std::string& reason)
    {
        if (++_notes <= mostNotes)
            _progress.note(line == lastLine ? fmt::format("line {}: {}", line, reason)
                                            : fmt::format("lines {} to {}: {}", line, lastLine, reason));
        if (_notes == mostNotes) _progress.note("further bad rows are counted, and written to --rejects if that is given");
    }

    int finishDryRun(const ImportSource& source)
    {
        const auto text = fmt::format("dry run: {} rows are good, {} are bad; nothing was sent\n", source.good(), source.bad());
        return _control.finish(source.bad() > 0 ? ExitStatus::BadRows : ExitStatus::Ok, text);
    }

    [[noreturn]] void refuse(std::uint64_t bad) const
    {
        throw InvalidRequest(
            fmt::format("{}: {} bad row{}; nothing was imported, as --strict demands", _arguments.file, bad, bad == 1 ? "" : "s"),
            "Correct these rows, or leave --strict out to import the others.");
    }

    int send()
    {
        const Bento bento = bentoOf(_arguments);
        const auto source = open();
        const auto show = [&](const bento::ImportProgress& done, bool now) {
            _progress.show({done.rowsDone + source->bad(), done.rowsFailed + source->bad(), done.waited, source->part()}, now);
        };
        _control.startSending();
        const TimePoint started = std::chrono::steady_clock::now();
        const auto report = bento.importSubscribers([&] { return source->next(); })
                                .onProgress([&](const bento::ImportProgress& done) { show(done, false); })
                                .cancellation(_control.token())
                                .run();
        show({report.imported + report.failed, report.failed, report.chunks, report.waited}, true);
        _progress.clear();
        return finish(*source, report, std::chrono::steady_clock::now() - started);
    }

    int finish(const ImportSource& source, const bento::ImportReport& report, Duration took)
    {
        for (const auto& failure : report.failures) {
            const auto line = source.lineOf(failure.row);
            note(line, line, failure.reason);
        }
        for (const auto& some : report.unnamed)
            _progress.note(fmt::format("{} of the rows in lines {} to {} were refused; Bento did not say which", some.count,
                                       source.lineOf(some.firstRow), source.lineOf(some.lastRow)));
        const std::uint64_t bad = report.failed + source.bad();
        const auto summary = fmt::format("{} imported, {} bad or refused; {} requests, waited {}, took {}\n", report.imported,
                                         bad, report.chunks, readable(report.waited), readable(took));
        if (report.complete()) return _control.finish(bad > 0 ? ExitStatus::BadRows : ExitStatus::Ok, summary);

        const std::size_t line = std::max<std::size_t>(2, source.lineOf(report.resumeFrom));
        const auto resume = fmt::format("tollgate: stopped before line {}; to go on: tollgate bento import {} --from-line {}\n",
                                        line, _arguments.file, line);
        const Failure failure(*report.error);
        if (failure.exitStatus() == ExitStatus::Interrupted)
            return _control.finish(_control.signal() == SIGTERM ? ExitStatus::Terminated : ExitStatus::Interrupted, summary,
                                   resume);
        return _control.finish(failure.exitStatus(), summary, failure.text() + resume);
    }

    const ImportArguments& _arguments;
    Control& _control;
    ProgressLine _progress;
    std::ofstream _rejects;
    std::uint64_t _notes = 0;
};

} // namespace

void addBentoCommand(CLI::App& app, Run& run)
{
    auto arguments = std::make_shared<ImportArguments>();
    auto* bento = app.add_subcommand("bento", "Works with Bento (BENTO_PUBLISHABLE_KEY, BENTO_SECRET_KEY, BENTO_SITE_UUID)");
    bento->require_subcommand(1);
    auto* command =
        bento->add_subcommand("import", "Imports subscribers from a CSV file, in requests of 1,000, as fast as the limit allows");
    command->add_option("FILE", arguments->file, "CSV in UTF-8 whose first line names the columns; email is required")
        ->required();
    command->add_option("--columns", arguments->columns, "Which column is what: email=E-Mail,first_name=Vorname");
    command
        ->add_option("--from-line", arguments->fromLine,
                     "Passes over the rows before this line, to go on where an import stopped")
        ->check(CLI::PositiveNumber);
    command->add_option("--rejects", arguments->rejects, "Writes bad rows to this file, as they stand");
    command->add_flag("--strict", arguments->strict, "Imports nothing if any row is bad");
    command->add_flag("--dry-run", arguments->dryRun, "Checks the file and sends nothing");
    command->add_option("--user-agent", arguments->userAgent, "Names your program to Bento, as AcmeCRM/1.0");
    command->add_option("--ca-file", arguments->caFile, "PEM file of the authorities to trust instead of the system's");
    command->add_option("--store", arguments->store, storeHelp);
    command->footer(exitStatusTable);
    command->callback([arguments, &run] { run = [arguments](Control& control) { return Import(*arguments, control).run(); }; });
}

} // namespace tollgate::command
