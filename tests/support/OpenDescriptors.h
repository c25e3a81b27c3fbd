#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <unordered_map>

namespace tollgate::tests {

/// The descriptors that this process had open at one moment, to be compared with later ones.
///
/// A plain count does not do: threads that earlier tests left (a server's, a worker's after its callback) may close theirs only
/// while a later test runs, so the count falls by itself. A socket or a pipe has a name of its own; event descriptors share one
/// and are counted.
class OpenDescriptors
{
public:
    OpenDescriptors() : _open(open()) {}

    /// What is open now and was not then, one name each; empty if nothing is. Waits up to 10 s for what is being closed.
    std::string leaked() const
    {
        for (int i = 0; i < 1000 && !newer().empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return newer();
    }

private:
    using Counts = std::unordered_map<std::string, int>; // by what they lead to

    static Counts open()
    {
        Counts counts;
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code gone; // between listing and looking; the listing's own descriptor leads to /proc
            const std::string target = std::filesystem::read_symlink(entry.path(), gone);
            if (!gone && target.compare(0, 6, "/proc/") != 0) ++counts[target];
        }
        return counts;
    }

    std::string newer() const
    {
        std::string names;
        for (const auto& [target, count] : open()) {
            const auto before = _open.find(target);
            for (int i = before == _open.end() ? 0 : before->second; i < count; ++i) (names += target) += ' ';
        }
        return names;
    }

    Counts _open;
};

} // namespace tollgate::tests
