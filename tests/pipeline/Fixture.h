#pragma once

#include "support/Throws.h"
#include "tollgate/testing/ScriptedTransport.h"
#include "tollgate/testing/VirtualClock.h"
#include "tollgate/tollgate.h"

#include <memory>
#include <string>

namespace tollgate::tests {

/// A client on a scripted transport and a virtual clock.
struct Fixture
{
    std::shared_ptr<testing::VirtualClock> clock = testing::VirtualClock::create();
    std::shared_ptr<testing::ScriptedTransport> transport = testing::ScriptedTransport::create(clock);

    ClientBuilder to(const char* url = "https://api.example.com/v1") const
    {
        ClientBuilder builder = Client::to(url);
        builder.transport(transport);
        return builder;
    }

    /// Answers everything with this status after `duration` of simulated time.
    void always(int status, Duration duration = {}) const
    {
        transport->otherwise([this, status, duration](Exchange&) {
            if (duration > Duration::zero()) clock->parker()->park(clock->now() + duration);
            ResponseHead head;
            head.status = status;
            return Response(head, std::string("{}"));
        });
    }

    static Headers field(std::string_view name, std::string_view value)
    {
        Headers headers;
        headers.add(name, value);
        return headers;
    }

    template <class Leaf>
    static ErrorPtr transportError(Delivery delivery, bool stale = false)
    {
        ErrorDetails details;
        details.message = "scripted";
        details.delivery = delivery;
        details.staleConnection = stale;
        return std::make_shared<Leaf>(std::move(details));
    }
};

} // namespace tollgate::tests
