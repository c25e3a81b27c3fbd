#pragma once

#include "HttpMessage.h"

#include "tollgate/testing/Sandbox.h"

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace tollgate::testing::sandbox {

/// The faults that wait for requests. Thread-safe.
class Faults
{
public:
    void add(Provider provider, Fault fault, unsigned count);
    void clear();
    /// Takes the first fault in line that this path (without base path) meets.
    std::optional<Fault> take(Provider provider, std::string_view path);
    /// How many faults still wait.
    std::size_t size() const;

private:
    struct Waiting
    {
        Provider provider;
        Fault fault;
        unsigned left;
    };
    mutable std::mutex _mutex;
    std::vector<Waiting> _waiting;
};

/// The answer under a fault. Status, HtmlPage, Blocked and Reset stand in front of the API, which never sees the request; the
/// others damage or delay the API's own answer, so the request has taken effect.
HttpResponse answerUnder(const Fault& fault, const std::function<HttpResponse()>& api);

} // namespace tollgate::testing::sandbox
