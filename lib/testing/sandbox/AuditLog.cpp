#include "AuditLog.h"

#include "Json.h"
#include "Keys.h"

#include <fmt/format.h>

namespace tollgate::testing::sandbox {

namespace {

constexpr std::size_t capacity = 100'000;

} // namespace

void AuditLog::add(Provider provider, const std::string& key, std::string model, std::uint64_t tokens, std::string source,
                   WallTime at)
{
    const std::lock_guard lock(_mutex);
    _records.push_back({provider, std::string(lastFour(key)), std::move(model), tokens, std::move(source), at});
    if (_records.size() > capacity) _records.pop_front();
}

std::vector<Sandbox::AuditRecord> AuditLog::all() const
{
    const std::lock_guard lock(_mutex);
    return {_records.begin(), _records.end()};
}

std::string AuditLog::json(Provider provider, const std::string& keyId) const
{
    const std::lock_guard lock(_mutex);
    std::string list = "[";
    for (const auto& record : _records) {
        if (record.provider != provider || (!keyId.empty() && record.keyId != keyId)) continue;
        if (list.size() > 1) list += ',';
        // A request without a model, such as GET /models, has no token count either.
        const bool counted = !record.model.empty();
        list += fmt::format(R"({{"timestamp":"{}","key_id":{},"model":{},"tokens":{},"source_ip":{}}})", isoTime(record.at),
                            quoted(record.keyId), counted ? quoted(record.model) : "null",
                            counted ? std::to_string(record.tokens) : "null", quoted(record.sourceAddress));
    }
    return list += ']';
}

} // namespace tollgate::testing::sandbox
