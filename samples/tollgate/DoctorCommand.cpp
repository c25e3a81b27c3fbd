// tollgate doctor [provider]

#include "Commands.h"
#include "Probe.h"
#include "Report.h"
#include "SetupChecks.h"
#include "StoreOption.h"

#include "tollgate/Version.h"

#include <CLI/CLI.hpp>
#include <Poco/JSON/Array.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace tollgate::command {

namespace {

struct DoctorArguments
{
    std::string provider;
    std::string userAgent = std::string("tollgate-doctor/") + version();
    std::string caFile;
    std::optional<std::string> store;
    bool json = false;
};

bool anyVariableSet(const ProviderSetup& setup)
{
    return std::any_of(setup.variables.begin(), setup.variables.end(),
                       [](const SetupVariable& variable) { return variableValue(variable.name).has_value(); });
}

std::vector<const ProviderSetup*> chosen(const std::string& name)
{
    std::vector<const ProviderSetup*> setups;
    if (!name.empty()) {
        const ProviderSetup* setup = findProvider(name);
        if (!setup) throw UsageError("doctor: unknown provider", "The providers are bento, bentoo, bando and chatbot.");
        return {setup};
    }
    for (const ProviderSetup& setup : providerSetups())
        if (anyVariableSet(setup)) setups.push_back(&setup);
    return setups;
}

DoctorFinding howToBegin()
{
    std::string lines;
    for (const ProviderSetup& setup : providerSetups()) {
        lines += fmt::format("\n             {}:", setup.name);
        for (const SetupVariable& variable : setup.variables)
            lines += fmt::format(variable.required ? " {}" : " [{}]", variable.name);
    }
    return {
        "",
        "variables",
        false,
        "no provider is set up",
        "None of their environment variables is set.",
        fmt::format("Set those of the provider you use (those in brackets may be left out) and run the doctor again:{}", lines),
        ""};
}

class Doctor
{
public:
    Doctor(const DoctorArguments& arguments, Control& control) : _arguments(arguments), _control(control) {}

    int run()
    {
        const auto setups = chosen(_arguments.provider);
        const StoreOption option(_arguments.store);
        if (setups.empty()) add(howToBegin());
        for (const ProviderSetup* setup : setups) examine(*setup, option);
        return _control.finish(anyProblem(_findings) ? ExitStatus::Problem : ExitStatus::Ok, _arguments.json ? json() : text());
    }

private:
    void add(DoctorFinding finding) { _findings.push_back(std::move(finding)); }

    void examine(const ProviderSetup& setup, const StoreOption& store)
    {
        const DoctorFindings local = checkSetup(setup, _arguments.userAgent);
        std::copy(local.begin(), local.end(), std::back_inserter(_findings));
        if (anyProblem(local)) return _unasked.push_back(setup.name); // to send what is known to be wrong only does harm
        if (!_transport) {
            TransportOptions options;
            options.tls.caFile = _arguments.caFile;
            _transport = Transport::create(options);
            _store = store.open();
        }
        _control.startSending();
        const DoctorFindings answers = probe(setup, _arguments.userAgent, _transport, _store, _control.token());
        std::copy(answers.begin(), answers.end(), std::back_inserter(_findings));
    }

    std::string text() const
    {
        std::string text;
        std::string provider;
        for (const DoctorFinding& finding : _findings) {
            if (finding.provider != provider || text.empty()) text += finding.provider + (finding.provider.empty() ? "" : "\n");
            provider = finding.provider;
            text += finding.text();
        }
        for (const std::string& name : _unasked) text += fmt::format("{} was not asked: correct the above first.\n", name);
        const auto problems =
            std::count_if(_findings.begin(), _findings.end(), [](const DoctorFinding& finding) { return !finding.ok; });
        return text +
               (problems == 0 ? "All is well.\n" : fmt::format("{} problem{} found.\n", problems, problems == 1 ? "" : "s"));
    }

    std::string json() const
    {
        Poco::JSON::Array::Ptr list = new Poco::JSON::Array;
        for (const DoctorFinding& finding : _findings) list->add(finding.json());
        Poco::JSON::Object::Ptr object = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
        object->set("ok", !anyProblem(_findings));
        object->set("findings", list);
        object->set("error", Poco::Dynamic::Var());
        return jsonLine(object);
    }

    const DoctorArguments& _arguments;
    Control& _control;
    TransportPtr _transport;
    QuotaStorePtr _store;
    DoctorFindings _findings;
    std::vector<std::string> _unasked;
};

} // namespace

void addDoctorCommand(CLI::App& app, Run& run)
{
    auto arguments = std::make_shared<DoctorArguments>();
    auto* command = app.add_subcommand("doctor", "Checks the set-up of a provider and explains what is wrong with it");
    command->add_option("PROVIDER", arguments->provider,
                        "bento, bentoo, bando or chatbot; left out: all that have a variable set");
    command->add_option("--user-agent", arguments->userAgent, "The User-Agent that your program sends, to check it as well");
    command->add_option("--ca-file", arguments->caFile, "PEM file of the authorities to trust instead of the system's");
    command->add_option("--store", arguments->store, storeHelp);
    command->add_flag("--json", arguments->json, "Prints one JSON object: ok, findings");
    command->footer(exitStatusTable);
    command->callback([arguments, &run] { run = [arguments](Control& control) { return Doctor(*arguments, control).run(); }; });
}

} // namespace tollgate::command
