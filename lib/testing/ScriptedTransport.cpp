#include "tollgate/testing/ScriptedTransport.h"

#include <deque>
#include <mutex>
#include <utility>

namespace tollgate::testing {

struct ScriptedTransport::State
{
    std::shared_ptr<Clock> clock;
    std::mutex mutex;
    std::deque<Script> line;
    Script otherwise;
    std::vector<SentRequest> sent;
};

ScriptedTransport::ScriptedTransport(std::shared_ptr<Clock> clock) : _state(std::make_unique<State>())
{
    _state->clock = clock ? std::move(clock) : Clock::system();
}

ScriptedTransport::~ScriptedTransport() = default;

std::shared_ptr<ScriptedTransport> ScriptedTransport::create(std::shared_ptr<Clock> clock)
{
    return std::shared_ptr<ScriptedTransport>(new ScriptedTransport(std::move(clock)));
}

ScriptedTransport& ScriptedTransport::answer(int status, std::string body, Headers headers)
{
    ResponseHead head;
    head.status = status;
    head.headers = std::move(headers);
    const std::lock_guard<std::mutex> lock(_state->mutex);
    _state->line.emplace_back([response = Response(std::move(head), std::move(body))](Exchange&) { return response; });
    return *this;
}

ScriptedTransport& ScriptedTransport::fail(ErrorPtr error)
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    _state->line.emplace_back([error = std::move(error)](Exchange&) -> Response {
        error->rethrow();
        throw Error("unreachable");
    });
    return *this;
}

ScriptedTransport& ScriptedTransport::otherwise(Script script)
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    _state->otherwise = std::move(script);
    return *this;
}

std::vector<SentRequest> ScriptedTransport::sent() const
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    return _state->sent;
}

const std::shared_ptr<Clock>& ScriptedTransport::clock() const noexcept { return _state->clock; }

Response ScriptedTransport::exchange(Exchange& exchange)
{
    SentRequest request{exchange.method, exchange.url.text(), exchange.headers, {}, _state->clock->now()};
    if (exchange.body) {
        if (const auto view = exchange.body->view()) {
            request.body = *view;
        } else {
            char piece[4096];
            while (const std::size_t count = exchange.body->read(piece, sizeof piece)) request.body.append(piece, count);
        }
    }
    Script script;
    {
        const std::lock_guard<std::mutex> lock(_state->mutex);
        _state->sent.push_back(std::move(request));
        if (!_state->line.empty()) {
            script = std::move(_state->line.front());
            _state->line.pop_front();
        } else {
            script = _state->otherwise;
        }
    }
    if (!script)
        throw ProtocolError("the scripted transport was asked for more than its script holds", "Add an answer, or otherwise().");
    const TimePoint start = _state->clock->now();
    Response response = script(exchange);
    exchange.attempt.status = response.status();
    exchange.attempt.delivery = Delivery::Answered;
    exchange.attempt.total = exchange.attempt.firstByte = _state->clock->now() - start;
    return response;
}

} // namespace tollgate::testing
