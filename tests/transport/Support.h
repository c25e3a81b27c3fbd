#pragma once

#include "RawServer.h"

#include "tollgate/Error.h"
#include "tollgate/Exchange.h"
#include "tollgate/Transport.h"

#include <boost/test/unit_test.hpp>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::transport::test {

using namespace std::chrono_literals;

inline Exchange request(const std::string& method, const std::string& url, std::string body = {})
{
    Exchange exchange;
    exchange.method = method;
    exchange.url = Url(url);
    if (!body.empty()) exchange.body = textBody(std::move(body));
    exchange.deadline = std::chrono::steady_clock::now() + 20s; // a hang becomes a failure
    return exchange;
}

inline std::string bodyOf(const Response& response)
{
    std::string body;
    response.source()->readAll(body);
    return body;
}

/// "HTTP/1.1 200 OK" with that body and its length.
inline std::string answer(const std::string& body, const std::string& fields = {})
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

/// Serves the same bytes for every request of every connection.
inline RawServer::Script always(std::string bytes)
{
    return [bytes = std::move(bytes)](Peer& peer) {
        while (!peer.readRequest().empty())
            if (!peer.send(bytes)) return;
    };
}

/// What server threads saw, for the test to look at.
class Record
{
public:
    void add(std::string entry)
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        _entries.push_back(std::move(entry));
    }
    std::vector<std::string> all() const
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        return _entries;
    }
    std::size_t size() const { return all().size(); }
    std::string operator[](std::size_t index) const { return all().at(index); }

private:
    mutable std::mutex _mutex;
    std::vector<std::string> _entries;
};

/// Runs it and answers the error it throws; a missing or foreign one fails the test.
template <class ErrorType>
ErrorPtr errorOf(const std::function<void()>& action)
{
    try {
        action();
    } catch (const Error& error) {
        BOOST_CHECK_MESSAGE(dynamic_cast<const ErrorType*>(&error),
                            "expected " << ErrorType::typeName << ", got " << error.what());
        BOOST_CHECK(!error.hint().empty());
        return error.with(error.details());
    }
    BOOST_FAIL("expected " << ErrorType::typeName << ", got no error");
    return {};
}

/// Whether a condition comes true within a generous time.
inline bool eventually(const std::function<bool()>& condition)
{
    for (int i = 0; i < 2000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(5ms);
    }
    return condition();
}

/// Sends, and waits until all has arrived at the client's socket, read or not, or the client is gone.
inline void deliver(Peer& peer, std::string_view bytes)
{
    peer.send(bytes);
    eventually([&] {
        pollfd gone{peer.descriptor(), 0, 0};
        int underway = 0;
        return ::poll(&gone, 1, 0) > 0 || ::ioctl(peer.descriptor(), SIOCOUTQ, &underway) != 0 || underway == 0;
    });
}

} // namespace tollgate::transport::test
