#pragma once

#include "Control.h"

#include "tollgate/Secret.h"

#include <string>

namespace tollgate::command {

/// Asks for a secret on the terminal, without echo. Throws MissingCredential if there is no terminal, Cancelled on Ctrl-C.
Secret promptSecret(const std::string& label, const Control& control);

/// All that comes on a descriptor. Throws Cancelled, Timeout (the command's deadline) and, over `limit` bytes, InvalidRequest.
std::string readDescriptor(int descriptor, std::size_t limit, const Control& control);

} // namespace tollgate::command
