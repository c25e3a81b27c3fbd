#pragma once

#include "tollgate/Error.h"
#include "tollgate/Transport.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tollgate::testing {

/// What a scripted transport was asked to send, byte for byte.
struct TOLLGATE_API SentRequest
{
    std::string method;
    std::string url;
    Headers headers;
    std::string body;
    TimePoint at;
};

/// Answers from a script instead of a network, for tests of programs that use tollgate. Thread-safe.
///
///     auto transport = ScriptedTransport::create(clock);
///     transport->answer(401).answer(200, R"({"ok":true})");
class TOLLGATE_API ScriptedTransport : public Transport
{
public:
    /// Answers one exchange, or throws what a transport would. Runs on the calling thread; it may park on the clock to take time.
    using Script = std::function<Response(Exchange&)>;

    static std::shared_ptr<ScriptedTransport> create(std::shared_ptr<Clock> clock = {});

    /// The next answer in line.
    ScriptedTransport& answer(int status, std::string body = {}, Headers headers = {});
    /// The next failure in line.
    ScriptedTransport& fail(ErrorPtr error);
    /// Answers everything once the line is empty; without it, an exchange beyond the line is a ProtocolError.
    ScriptedTransport& otherwise(Script script);

    /// What was sent so far. Secrets stand in it as they went out, so that tests can check them: do not print it.
    std::vector<SentRequest> sent() const;

    Response exchange(Exchange& exchange) override;
    const std::shared_ptr<Clock>& clock() const noexcept override;

    ~ScriptedTransport() override;

private:
    explicit ScriptedTransport(std::shared_ptr<Clock> clock);
    struct State;
    std::unique_ptr<State> _state;
};

} // namespace tollgate::testing
