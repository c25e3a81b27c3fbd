#include "stores/Fleet.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <new>
#include <stdexcept>
#include <utility>

namespace tollgate::testing {

namespace {

std::vector<std::int64_t> timesOf(std::vector<Arrival>& arrivals)
{
    std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
    std::vector<std::int64_t> times;
    for (const Arrival& arrival : arrivals) times.push_back(arrival.at);
    return times;
}

} // namespace

Fleet::Fleet(Orders orders) : _orders(std::move(orders))
{
    _pageFile = ::memfd_create("server", 0);
    if (_pageFile < 0 || ::ftruncate(_pageFile, sizeof(ServerPage)) != 0) throw std::runtime_error("no shared memory");
    void* memory = ::mmap(nullptr, sizeof(ServerPage), PROT_READ | PROT_WRITE, MAP_SHARED, _pageFile, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
    _page = new (memory) ServerPage;
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    _logOut = ends[0];
    _logIn = ends[1];
    ::fcntl(_logOut, F_SETFD, FD_CLOEXEC);
    _listener = std::thread([this] { listen(); });
}

Fleet::~Fleet()
{
    _page->closed = true;
    for (const pid_t worker : _workers) {
        ::kill(worker, SIGKILL);
        ::waitpid(worker, nullptr, 0);
    }
    const Arrival end{}; // the time zero
    if (::write(_logIn, &end, sizeof end) == sizeof end) _listener.join();
    ::close(_logIn);
    ::close(_logOut);
    ::munmap(_page, sizeof(ServerPage));
    ::close(_pageFile);
}

void Fleet::listen()
{
    Arrival arrival;
    while (::read(_logOut, &arrival, sizeof arrival) == sizeof arrival && arrival.at != 0) {
        const std::lock_guard<std::mutex> lock(_mutex);
        _arrivals.push_back(arrival);
    }
}

pid_t Fleet::start()
{
    std::vector<std::string> words = {std::string(TOLLGATE_BIN_DIR) + "/test-store-worker",
                                      _orders.store,
                                      std::to_string(_orders.limit),
                                      std::to_string(_orders.window.count()),
                                      std::to_string(_orders.threads),
                                      std::to_string(_orders.timeout.count()),
                                      _orders.failure,
                                      std::to_string(_orders.storeTimeout.count()),
                                      std::to_string(_pageFile),
                                      std::to_string(_logIn)};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t worker = ::fork();
    if (worker == 0) {
        ::execv(arguments.front(), arguments.data());
        ::_exit(127);
    }
    if (worker < 0) throw std::runtime_error("no process");
    _workers.push_back(worker);
    return worker;
}

void Fleet::start(unsigned workers)
{
    for (unsigned i = 0; i < workers; ++i) start();
}

void Fleet::kill9(pid_t worker)
{
    ::kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);
    _workers.erase(std::find(_workers.begin(), _workers.end(), worker));
}

bool Fleet::finish()
{
    _page->closed = true;
    bool well = true;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!_workers.empty() && std::chrono::steady_clock::now() < until) {
        int status = 0;
        if (::waitpid(_workers.back(), &status, WNOHANG) == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            continue;
        }
        well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        _workers.pop_back();
    }
    return well && _workers.empty();
}

std::vector<Arrival> Fleet::arrivals()
{
    // All that was counted has been written; it need only be read.
    await(_page->count, std::chrono::seconds(5));
    const std::lock_guard<std::mutex> lock(_mutex);
    return _arrivals;
}

bool Fleet::await(std::uint64_t count, std::chrono::milliseconds patience)
{
    return await([count](const std::vector<Arrival>& arrivals) { return arrivals.size() >= count; }, patience);
}

bool Fleet::await(const std::function<bool(const std::vector<Arrival>&)>& enough, std::chrono::milliseconds patience)
{
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        {
            const std::lock_guard<std::mutex> lock(_mutex);
            if (enough(_arrivals)) return true;
        }
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

std::size_t mostInAnyWindow(std::vector<Arrival> arrivals, std::chrono::nanoseconds window)
{
    const std::vector<std::int64_t> times = timesOf(arrivals);
    std::size_t most = 0;
    std::size_t first = 0;
    for (std::size_t last = 0; last < times.size(); ++last) {
        while (times[last] - times[first] >= window.count()) ++first;
        most = std::max(most, last - first + 1);
    }
    return most;
}

double utilisation(std::vector<Arrival> arrivals, std::size_t limit, std::chrono::nanoseconds window)
{
    const std::vector<std::int64_t> times = timesOf(arrivals);
    if (times.size() <= limit) return 0;
    double total = 0;
    for (std::size_t i = limit; i < times.size(); ++i) total += static_cast<double>(times[i] - times[i - limit]);
    return static_cast<double>(window.count()) * static_cast<double>(times.size() - limit) / total;
}

std::map<pid_t, std::size_t> byProcess(const std::vector<Arrival>& arrivals)
{
    std::map<pid_t, std::size_t> counts;
    for (const Arrival& arrival : arrivals) ++counts[arrival.process];
    return counts;
}

} // namespace tollgate::testing
