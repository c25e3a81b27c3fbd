#pragma once

#include "Deck.h"

namespace tollgate::demo {

/// One deliberate failure of each kind, on a sandbox of its own.
void showFailures(Deck& deck);

} // namespace tollgate::demo
