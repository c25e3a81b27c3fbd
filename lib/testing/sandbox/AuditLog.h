#pragma once

#include "tollgate/testing/Sandbox.h"

#include <deque>
#include <mutex>
#include <vector>

namespace tollgate::testing::sandbox {

/// The audit records of Bentoo and the API log of the chatbot platform; the last 100,000 lines. Thread-safe.
class AuditLog
{
public:
    /// `key` is cut to its last four characters before it is stored.
    void add(Provider provider, const std::string& key, std::string model, std::uint64_t tokens, std::string source, WallTime at);
    std::vector<Sandbox::AuditRecord> all() const;
    /// The records of one API as a JSON array, newest last; of the key with that id only, if one is given.
    std::string json(Provider provider, const std::string& keyId = {}) const;

private:
    mutable std::mutex _mutex;
    std::deque<Sandbox::AuditRecord> _records;
};

} // namespace tollgate::testing::sandbox
