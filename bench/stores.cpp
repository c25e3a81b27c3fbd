/// What a grant costs through the shared stores: one to eight processes at one account whose log is full (100 requests). Redis is
/// measured if redis-server is installed.

#include "support/Measure.h"
#include "tollgate/stores/RedisStore.h"
#include "tollgate/stores/SqliteStore.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace tollgate;
using Steady = std::chrono::steady_clock;
using Open = std::function<QuotaStorePtr()>;

constexpr std::size_t logged = 100;
const QuotaKey account("https://api.example.com", "someone");

/// As much work as a permit that is taken while the log is full: one in, one out.
void grant(QuotaStore& store)
{
    store.update(account, [](QuotaState& state, TimePoint now) {
        LimitState& limit = state.limits["|60"];
        limit.cooling.push_back({now + std::chrono::minutes(1), ++state.lastPermit, 1});
        if (limit.cooling.size() > logged) limit.cooling.pop_front();
        limit.coolingWeight = limit.cooling.size();
    });
}

/// Grants for a while; writes the microseconds of each to the descriptor.
void work(const Open& open, Steady::time_point begin, Steady::time_point end, int results)
{
    const QuotaStorePtr store = open();
    grant(*store);
    std::vector<float> took;
    std::this_thread::sleep_until(begin);
    for (auto last = Steady::now(); last < end;) {
        grant(*store);
        const auto now = Steady::now();
        took.push_back(std::chrono::duration<float, std::micro>(now - last).count());
        last = now;
    }
    if (!store->trouble().empty()) std::fprintf(stderr, "%s\n", store->trouble().c_str());
    const auto size = static_cast<ssize_t>(took.size() * sizeof(float));
    if (::write(results, took.data(), static_cast<std::size_t>(size)) != size) ::_exit(1);
}

bool measure(const std::string& kind, unsigned processes, const Open& open)
{
    constexpr auto length = std::chrono::seconds(2);
    const auto begin = Steady::now() + std::chrono::milliseconds(300);
    std::vector<std::FILE*> files;
    std::vector<pid_t> workers;
    for (unsigned i = 0; i < processes; ++i) {
        files.push_back(std::tmpfile());
        if (!files.back()) return false;
        workers.push_back(::fork());
        if (workers.back() == 0) {
            work(open, begin, begin + length, ::fileno(files.back()));
            ::_exit(0);
        }
    }
    std::vector<float> all;
    bool well = true;
    for (unsigned i = 0; i < processes; ++i) {
        int status = 0;
        ::waitpid(workers[i], &status, 0);
        well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        std::rewind(files[i]);
        for (float one = 0; std::fread(&one, sizeof one, 1, files[i]) == 1;) all.push_back(one);
        std::fclose(files[i]);
    }
    PermitId granted = 0;
    open()->update(account, [&](QuotaState& state, TimePoint) { granted = state.lastPermit; });
    if (!well || granted != all.size() + processes) {
        std::fprintf(stderr, "%s, %u processes: %zu grants, the store counted %llu\n", kind.c_str(), processes,
                     all.size() + processes, static_cast<unsigned long long>(granted));
        return false;
    }
    std::sort(all.begin(), all.end());
    const auto at = [&](double share) {
        return static_cast<double>(all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))]);
    };
    const double seconds = std::chrono::duration<double>(length).count();
    bench::print({"shared grants", "none", kind, static_cast<double>(all.size()) / seconds, "1/s", "tollgate", processes});
    bench::print({"shared grant p50", "none", kind, at(0.5), "us", "tollgate", processes});
    bench::print({"shared grant p99", "none", kind, at(0.99), "us", "tollgate", processes});
    return true;
}

/// A server of our own on a unix socket, gone with this program; 0 if there is none to start.
pid_t startRedis(const std::string& socket)
{
    const pid_t server = ::fork();
    if (server == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket.c_str(), "--save", "", "--appendonly",
                 "no", "--logfile", "/dev/null", static_cast<char*>(nullptr));
        ::_exit(127);
    }
    for (int i = 0; i < 500 && !std::filesystem::exists(socket); ++i) {
        if (::waitpid(server, nullptr, WNOHANG) == server) return 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return server;
}

} // namespace

int main()
{
    std::string folder = (std::filesystem::temp_directory_path() / "tollgate-bench-XXXXXX").string();
    if (!::mkdtemp(folder.data())) return 1;
    bool well = true;
    for (const unsigned processes : {1U, 4U, 8U}) {
        const std::string file = folder + "/quota" + std::to_string(processes) + ".db";
        well = measure("sqlite", processes, [&] { return sqliteStore(file); }) && well;
    }
    const std::string socket = folder + "/redis.sock";
    if (const pid_t server = startRedis(socket)) {
        for (const unsigned processes : {1U, 4U, 8U}) {
            RedisStoreOptions options;
            options.prefix = "bench" + std::to_string(processes);
            options.commandTimeout = std::chrono::seconds(1);
            well = measure("redis", processes, [&] { return redisStore("unix:" + socket, options); }) && well;
        }
        ::kill(server, SIGKILL);
        ::waitpid(server, nullptr, 0);
    } else {
        std::fprintf(stderr, "redis-server is not installed: not measured\n");
    }
    std::filesystem::remove_all(folder);
    return well ? 0 : 1;
}
