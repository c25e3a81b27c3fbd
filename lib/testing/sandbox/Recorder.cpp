#include "Recorder.h"

#include <algorithm>
#include <array>

namespace tollgate::testing::sandbox {

namespace {

constexpr std::size_t bodyCap = 64 * 1024;
constexpr std::size_t bytesCap = 64 * 1024 * 1024;
constexpr std::string_view hidden = "***";

bool carriesSecret(std::string_view field) noexcept
{
    constexpr std::array<std::string_view, 4> names = {"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"};
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return equalsIgnoreCase(name, field); });
}

/// The end of the JSON string that begins at `quote`: the index behind its closing quote.
std::size_t endOfString(std::string_view text, std::size_t quote) noexcept
{
    for (auto i = quote + 1; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            return i + 1;
    }
    return text.size();
}

} // namespace

std::string redactTarget(std::string_view target)
{
    const auto mark = target.find('?');
    std::string safe(target.substr(0, mark));
    if (mark == std::string_view::npos) return safe;
    char separator = '?';
    for (auto rest = target.substr(mark + 1);;) {
        const auto end = rest.find('&');
        const auto pair = rest.substr(0, end);
        const auto name = pair.substr(0, pair.find('='));
        safe += separator;
        if (equalsIgnoreCase(percentDecode(name, true), "site_uuid"))
            safe.append(name).append("=").append(hidden);
        else
            safe += pair;
        if (end == std::string_view::npos) return safe;
        rest.remove_prefix(end + 1);
        separator = '&';
    }
}

std::string redactJson(std::string_view body)
{
    constexpr std::string_view name = "\"site_uuid\"";
    constexpr std::string_view blank = " \t\r\n";
    std::string safe;
    std::size_t from = 0;
    for (;;) {
        const auto found = body.find(name, from);
        if (found == std::string_view::npos) return safe.append(body.substr(from));
        auto value = body.find_first_not_of(blank, found + name.size());
        if (value != std::string_view::npos && body[value] == ':') value = body.find_first_not_of(blank, value + 1);
        if (value == std::string_view::npos) return safe.append(body.substr(from));
        safe.append(body.substr(from, value - from)).append("\"***\"");
        from = body[value] == '"' ? endOfString(body, value) : std::min(body.find_first_of(",}", value), body.size());
    }
}

void Recorder::addSecret(const std::string& secret)
{
    const std::lock_guard lock(_mutex);
    _secrets.push_back(secret);
}

std::string Recorder::redacted(std::string text) const
{
    for (const auto& secret : _secrets) {
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + hidden.size()))
            text.replace(at, secret.size(), hidden);
    }
    return text;
}

void Recorder::add(Provider provider, const HttpRequest& request, int status, TimePoint at)
{
    if (_capacity == 0) return;
    RecordedRequest record;
    record.provider = provider;
    record.method = request.method;
    record.status = status;
    record.at = at;

    const std::lock_guard lock(_mutex);
    record.target = redacted(redactTarget(request.target));
    for (const auto& [name, value] : request.headers)
        record.headers.add(name, carriesSecret(name) ? std::string(hidden) : redacted(std::string(value)));
    // Redacted before it is cut, or else half a secret could stay at the end.
    record.body = redacted(redactJson(request.body));
    if (record.body.size() > bodyCap) {
        record.body.resize(bodyCap);
        record.body.shrink_to_fit();
    }
    _bytes += sizeOf(record);
    _records.push_back(std::move(record));
    while (_records.size() > _capacity || (_bytes > bytesCap && _records.size() > 1)) {
        _bytes -= sizeOf(_records.front());
        _records.pop_front();
    }
}

std::size_t Recorder::sizeOf(const RecordedRequest& record) noexcept
{
    std::size_t bytes = sizeof record + record.target.size() + record.body.size();
    for (const auto& [name, value] : record.headers) bytes += name.size() + value.size() + 16;
    return bytes;
}

std::vector<RecordedRequest> Recorder::all() const
{
    const std::lock_guard lock(_mutex);
    return {_records.begin(), _records.end()};
}

std::vector<RecordedRequest> Recorder::of(Provider provider) const
{
    const std::lock_guard lock(_mutex);
    std::vector<RecordedRequest> records;
    std::copy_if(_records.begin(), _records.end(), std::back_inserter(records),
                 [&](const RecordedRequest& record) { return record.provider == provider; });
    return records;
}

void Recorder::clear()
{
    const std::lock_guard lock(_mutex);
    _records.clear();
    _bytes = 0;
}

} // namespace tollgate::testing::sandbox
