#pragma once

#include "Control.h"

#include <functional>

namespace CLI {
class App;
}

namespace tollgate::command {

/// What the command line chose; answers the exit status.
using Run = std::function<int(Control&)>;

// Each adds its subcommand and sets `run` if it was the chosen one.
void addRequestCommand(CLI::App& app, Run& run);
void addDoctorCommand(CLI::App& app, Run& run);
void addQuotaCommand(CLI::App& app, Run& run);
void addTlsCommand(CLI::App& app, Run& run);
void addBentoCommand(CLI::App& app, Run& run);

} // namespace tollgate::command
