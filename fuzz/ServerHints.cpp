#include "Support.h"

#include "limits/FieldValues.h"
#include "limits/ServerHints.h"

#include <algorithm>
#include <string>

using namespace tollgate;
using namespace tollgate::fuzz;

namespace {

constexpr std::size_t mostLines = 24;

bool sound(const std::optional<Duration>& duration)
{
    return !duration || (*duration >= Duration::zero() && *duration <= limits::longestQuota);
}

bool same(const ServerHint& a, const ServerHint& b)
{
    return a.ignored == b.ignored && a.retryAfter == b.retryAfter &&
           std::equal(a.quotas.begin(), a.quotas.end(), b.quotas.begin(), b.quotas.end(), [](const auto& x, const auto& y) {
               return x.name == y.name && x.limit == y.limit && x.remaining == y.remaining && x.reset == y.reset &&
                      x.window == y.window;
           });
}

} // namespace

/// Each line is a field: "name: value".
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size > 2048) return -1;
    std::string_view text = textOf(data, size);
    Headers headers, shouted;
    for (std::size_t lines = 0; !text.empty() && lines < mostLines; ++lines) {
        std::string_view value = takePiece(text, '\n');
        const std::string_view name = takePiece(value, ':');
        headers.add(name, value);
        std::string upper(name);
        std::transform(upper.begin(), upper.end(), upper.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; });
        shouted.add(upper, value);
    }
    const WallTime now = WallTime(std::chrono::seconds(1'790'000'000));
    const ServerHint hint = limits::serverHint(headers, now);
    require(hint.quotas.size() <= 64 + 3, "the number of quotas is bounded");
    for (const auto& quota : hint.quotas) {
        require(sound(quota.window), "a window is not negative and no longer than any quota lasts");
        require(sound(quota.reset), "a reset is not negative and no later than any quota lasts");
        require(quota.window != Duration::zero(), "a window is longer than nothing");
    }
    require(!hint.retryAfter || (*hint.retryAfter >= Duration::zero() && *hint.retryAfter <= std::chrono::hours(6)),
            "a wait is not negative and no longer than six hours");
    require(sound(hint.wait()), "so is the wait that follows from all");
    require(!hint.exhausted() || !hint.quotas.empty(), "only a quota can be exhausted");
    require(same(limits::serverHint(shouted, now), hint), "the case of a field's name does not matter");
    return 0;
}
