#pragma once

#include "HttpMessage.h"

#include "tollgate/testing/Sandbox.h"

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::testing::sandbox {

/// Keeps the last requests without their secrets: fields that carry credentials and site_uuid become "***", and so does every
/// known key wherever else it stands. Bodies are kept up to 64 KiB each, all records up to 64 MiB. Thread-safe.
class Recorder
{
public:
    explicit Recorder(std::size_t capacity) : _capacity(capacity) {}

    /// A key that must not appear in a record.
    void addSecret(const std::string& secret);
    void add(Provider provider, const HttpRequest& request, int status, TimePoint at);
    std::vector<RecordedRequest> all() const;
    std::vector<RecordedRequest> of(Provider provider) const;
    void clear();

private:
    std::string redacted(std::string text) const;
    static std::size_t sizeOf(const RecordedRequest& record) noexcept;

    const std::size_t _capacity;
    mutable std::mutex _mutex;
    std::vector<std::string> _secrets;
    std::deque<RecordedRequest> _records;
    std::size_t _bytes = 0;
};

/// The target with the value of every site_uuid parameter replaced by "***".
std::string redactTarget(std::string_view target);
/// A JSON text with the value of every "site_uuid" member replaced by "***".
std::string redactJson(std::string_view body);

} // namespace tollgate::testing::sandbox
