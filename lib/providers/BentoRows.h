#pragma once

#include "tollgate/providers/BentoTypes.h"

#include <string>

namespace tollgate::providers {

/// Appends the row as Bento wants it. Answers why it cannot be sent, in plain words, or an empty string; `to` is then as before.
std::string appendRow(std::string& to, const bento::SubscriberRow& row);
std::string appendEvent(std::string& to, const bento::Event& event);

/// Why this cannot be an e-mail address, or an empty string. Finds what is obviously wrong, not what only a mail server knows.
std::string whyNotAnAddress(const std::string& address);

} // namespace tollgate::providers
