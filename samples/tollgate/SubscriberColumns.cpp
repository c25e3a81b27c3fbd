#include "SubscriberColumns.h"

#include "Failure.h"
#include "Utf8.h"

#include "tollgate/Headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tollgate::command {

namespace {

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> splitList(std::string_view text)
{
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto comma = text.find(',');
        if (const auto part = trimmed(text.substr(0, comma)); !part.empty()) parts.emplace_back(part);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return parts;
}

// What every mail system demands; whether somebody reads there, only a mail can tell.
bool looksLikeAddress(std::string_view email)
{
    const auto at = email.find('@');
    if (at == 0 || at == std::string_view::npos || email.size() > 254) return false;
    const auto domain = email.substr(at + 1);
    if (domain.find('.') == std::string_view::npos || domain.front() == '.' || domain.back() == '.') return false;
    if (domain.find('@') != std::string_view::npos || email.find("..") != std::string_view::npos) return false;
    return std::none_of(email.begin(), email.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= ' ' || byte == 0x7F || std::string_view("<>()[],;:\\\"").find(c) != std::string_view::npos;
    });
}

std::vector<std::pair<std::string, std::string>> readMapping(std::string_view mapping)
{
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const std::string& part : splitList(mapping)) {
        const auto equals = part.find('=');
        if (equals == 0 || equals == std::string::npos || equals + 1 == part.size())
            throw UsageError(fmt::format("--columns: \"{}\" is not NAME=COLUMN", part),
                             "Write it as in --columns \"email=E-Mail,first_name=Vorname\".");
        pairs.emplace_back(trimmed(part.substr(0, equals)), trimmed(part.substr(equals + 1)));
    }
    return pairs;
}

} // namespace

SubscriberColumns::Kind SubscriberColumns::kindOf(std::string_view name) noexcept
{
    static constexpr std::array<std::pair<std::string_view, Kind>, 5> known{{{"email", Kind::Email},
                                                                             {"first_name", Kind::FirstName},
                                                                             {"last_name", Kind::LastName},
                                                                             {"tags", Kind::Tags},
                                                                             {"remove_tags", Kind::RemoveTags}}};
    if (name.empty()) return Kind::PassedOver;
    for (const auto& [text, kind] : known)
        if (equalsIgnoreCase(name, text)) return kind;
    return Kind::Custom;
}

SubscriberColumns::SubscriberColumns(const CsvRow& header, std::string_view mapping, const std::string& file)
{
    if (!header.problem.empty())
        throw InvalidRequest(fmt::format("{}, line {}: the header cannot be read: {}", file, header.line, header.problem),
                             "Correct the line that names the columns. Nothing was imported.");
    std::vector<std::string> names;
    for (const std::string& field : header.fields) names.emplace_back(trimmed(field));
    for (std::size_t i = 0; i < names.size(); ++i)
        if (!names[i].empty() && std::count(names.begin(), names.end(), names[i]) > 1)
            throw InvalidRequest(fmt::format("{}, line {}: the column \"{}\" stands there twice", file, header.line, names[i]),
                                 "Give each column a name of its own. Nothing was imported.");

    const auto listed = fmt::format("\"{}\"", fmt::join(names, "\", \""));
    for (const auto& [target, column] : readMapping(mapping)) {
        const auto found = std::find(names.begin(), names.end(), column);
        if (found == names.end())
            throw InvalidRequest(
                fmt::format("{}, line {}: there is no column \"{}\", which --columns names", file, header.line, column),
                fmt::format("The columns are {}. Nothing was imported.", listed));
        *found = target;
    }
    bool hasEmail = false;
    for (std::string& name : names) {
        const Kind kind = kindOf(name);
        hasEmail = hasEmail || kind == Kind::Email;
        _columns.push_back({kind, std::move(name)});
    }
    if (!hasEmail)
        throw InvalidRequest(
            fmt::format("{}, line {}: there is no column \"email\"", file, header.line),
            fmt::format("The columns are {}. If one of them holds the addresses, say --columns email=THAT. Nothing "
                        "was imported.",
                        listed));
}

std::string SubscriberColumns::read(const CsvRow& row, bento::SubscriberRow& subscriber) const
{
    if (!row.problem.empty()) return row.problem;
    if (row.fields.size() != _columns.size())
        return fmt::format("{} fields where the header has {}", row.fields.size(), _columns.size());
    if (!isUtf8(row.raw)) return "the text is not UTF-8";
    subscriber = {};
    for (std::size_t i = 0; i < _columns.size(); ++i) {
        const std::string& field = row.fields[i];
        switch (_columns[i].kind) {
        case Kind::Email: subscriber.email = trimmed(field); break;
        case Kind::FirstName: subscriber.firstName = field; break;
        case Kind::LastName: subscriber.lastName = field; break;
        case Kind::Tags: subscriber.tags = splitList(field); break;
        case Kind::RemoveTags: subscriber.removeTags = splitList(field); break;
        case Kind::Custom:
            if (!field.empty()) subscriber.fields.emplace_back(_columns[i].name, field);
            break;
        case Kind::PassedOver: break;
        }
    }
    if (subscriber.email.empty()) return "there is no e-mail address";
    if (!looksLikeAddress(subscriber.email)) return "the e-mail address cannot be one";
    return {};
}

} // namespace tollgate::command
