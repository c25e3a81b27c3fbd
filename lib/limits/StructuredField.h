#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::limits {

/// A list of items with parameters, as RFC 9651 section 4.2 says to read one: strict, the whole field or nothing. Inner lists
/// are refused: no field read here may hold one.
struct StructuredField
{
    struct Value
    {
        enum class Type : std::uint8_t
        {
            Integer,
            Decimal,
            String,
            Token,
            Bytes, ///< `text` is the base64 form
            Boolean,
            Date, ///< `number` is in seconds since 1970
            DisplayString
        };
        Type type = Type::Boolean;
        double number = 0; ///< Integer, Date (exact: they have at most 15 digits), Decimal, Boolean
        std::string text;  ///< String, Token, Bytes, DisplayString: without quotes and escapes
    };
    struct Parameter
    {
        std::string key;
        Value value;
    };
    struct Item
    {
        Value value;
        std::vector<Parameter> parameters; ///< in their order, repeated ones too

        /// The parameter of that name, the last one if it is repeated; or nullptr.
        const Value* find(std::string_view key) const noexcept;
    };

    /// Nothing if `text` is not such a list or holds more than `mostItems`. Linear in time; throws nothing but std::bad_alloc.
    static std::optional<std::vector<Item>> list(std::string_view text, std::size_t mostItems);
};

} // namespace tollgate::limits
