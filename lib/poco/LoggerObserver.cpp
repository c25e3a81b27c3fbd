#include "tollgate/poco/LoggerObserver.h"

#include <Poco/AutoPtr.h>
#include <fmt/format.h>

#include <chrono>

namespace tollgate::poco {

namespace {

long long milliseconds(Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(); }

std::string line(const AttemptRecord& record)
{
    const Attempt& attempt = record.attempt;
    std::string text = fmt::format("{} {}: {} in {} ms", record.method, record.url,
                                   attempt.error.empty() ? fmt::format("status {}", attempt.status)
                                                         : fmt::format("{} ({})", attempt.error, toString(attempt.delivery)),
                                   milliseconds(attempt.total));
    if (attempt.waited > Duration::zero())
        text += fmt::format(", after {} ms of waiting for a {}", milliseconds(attempt.waited), attempt.waitedFor);
    if (!record.requestId.empty()) text += fmt::format(", request id {}", record.requestId);
    return text;
}

class LoggerObserver : public Observer
{
public:
    explicit LoggerObserver(Poco::Logger& logger) : _logger(&logger, true) {}

    void onAttempt(const AttemptRecord& record) override
    {
        const bool failed = !record.attempt.error.empty() || record.attempt.status >= 400;
        if (failed)
            _logger->warning(line(record));
        else if (_logger->debug())
            _logger->debug(line(record));
    }

    void onTransition(const Transition& transition) override
    {
        using Kind = Transition::Kind;
        const bool good = transition.kind == Kind::CredentialAccepted || transition.kind == Kind::Unlocked ||
                          transition.kind == Kind::StoreRecovered;
        std::string text = transition.text;
        if (transition.wait) text += fmt::format("; next try in {} s", milliseconds(*transition.wait) / 1000);
        if (good)
            _logger->information(text);
        else
            _logger->warning(text);
    }

    void onNotice(const Notice& notice) override { _logger->information(notice.text); }

private:
    Poco::AutoPtr<Poco::Logger> _logger; // shared: a logging subsystem that shuts down drops its own reference
};

} // namespace

ObserverPtr loggerObserver(Poco::Logger& logger) { return std::make_shared<LoggerObserver>(logger); }

} // namespace tollgate::poco
