#pragma once

#include "stores/ServerPage.h"

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::testing {

/// What the workers are told.
struct Orders
{
    std::string store;
    unsigned limit = 0; ///< 0: lockout rules
    std::chrono::milliseconds window{1'000};
    unsigned threads = 2;
    std::chrono::milliseconds timeout{60'000}; ///< of each call
    std::string failure = "safe";
    std::chrono::milliseconds storeTimeout{10'000}; ///< long, as the machine may be busy: it ends the counting together
};

/// Worker processes, the page that plays their server, and the log of what arrived there.
class Fleet
{
public:
    explicit Fleet(Orders orders);
    /// Kills who is left.
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    ServerPage& server() { return *_page; }
    pid_t start();
    void start(unsigned workers);
    void kill9(pid_t worker);
    /// Lets them end by themselves; false if one did not end well within 20 seconds.
    bool finish();

    std::vector<Arrival> arrivals();
    /// Waits until what arrived is enough; false after the time.
    bool await(const std::function<bool(const std::vector<Arrival>&)>& enough, std::chrono::milliseconds patience);
    bool await(std::uint64_t count, std::chrono::milliseconds patience);

private:
    void listen();

    Orders _orders;
    int _pageFile = -1;
    ServerPage* _page = nullptr;
    int _logIn = -1;
    int _logOut = -1;
    std::vector<pid_t> _workers;
    std::mutex _mutex;
    std::vector<Arrival> _arrivals;
    std::thread _listener;
};

/// The most that arrived in any window of this length: what no server may see more of than its limit, whatever its phase.
std::size_t mostInAnyWindow(std::vector<Arrival> arrivals, std::chrono::nanoseconds window);

/// The share of the limit that was used: the window over the mean time in which `limit` requests went.
double utilisation(std::vector<Arrival> arrivals, std::size_t limit, std::chrono::nanoseconds window);

std::map<pid_t, std::size_t> byProcess(const std::vector<Arrival>& arrivals);

} // namespace tollgate::testing
