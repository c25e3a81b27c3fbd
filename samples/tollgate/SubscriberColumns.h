#pragma once

#include "CsvReader.h"

#include "tollgate/providers/BentoTypes.h"

#include <string>
#include <string_view>
#include <vector>

namespace tollgate::command {

/// How the columns of a CSV file become a subscriber: email (required), first_name, last_name, tags and remove_tags
/// (comma-separated in one field); each other column is a custom field of that name. Columns without a name are passed over.
class SubscriberColumns
{
public:
    /// `mapping` is what --columns says: "email=E-Mail,first_name=Vorname". `file` names the file in messages. Throws
    /// InvalidRequest, naming line and column, if the email column or a mapped one is missing or a name stands twice; UsageError
    /// for the mapping.
    SubscriberColumns(const CsvRow& header, std::string_view mapping, const std::string& file);

    /// Reads one row. Answers why it is bad, without its data; empty: it is good.
    std::string read(const CsvRow& row, bento::SubscriberRow& subscriber) const;

private:
    enum class Kind
    {
        Email,
        FirstName,
        LastName,
        Tags,
        RemoveTags,
        Custom,
        PassedOver
    };
    struct Column
    {
        Kind kind;
        std::string name;
    };
    static Kind kindOf(std::string_view name) noexcept;
    std::vector<Column> _columns;
};

} // namespace tollgate::command
