#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tollgate {

/// The value of a field that users name themselves. Each type goes out as the JSON type of that name, so 0, false and "" stay
/// what they are. Money is an integer of cents or a string, never a double.
using FieldValue = std::variant<std::string, std::int64_t, double, bool>;

/// Named values in their order: `{{"company", "Acme"}, {"visits", 3}}`.
using Fields = std::vector<std::pair<std::string, FieldValue>>;

} // namespace tollgate
