#pragma once

#include "tollgate/testing/Sandbox.h"

#include <optional>
#include <string>

/// What tollgate-sandbox was asked for on its command line.
struct Options
{
    tollgate::testing::SandboxOptions sandbox;
    std::string readyFile;
    bool showKeys = false;
};

/// Reads the command line. Nothing if the program has to end at once (help, version, a mistake): `status` says with what.
std::optional<Options> readOptions(int argc, char** argv, int& status);
