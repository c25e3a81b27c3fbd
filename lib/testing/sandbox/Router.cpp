#include "Router.h"

namespace tollgate::testing::sandbox {

namespace {

/// All segments as they stand, the empty one behind a final slash too.
std::vector<std::string> split(std::string_view path)
{
    std::vector<std::string> segments;
    for (;;) {
        const auto slash = path.find('/');
        segments.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path)
{
    if (pattern.size() != path.size()) return false;
    for (std::size_t i = 0; i < path.size(); ++i)
        if (pattern[i] == "*" ? path[i].empty() : pattern[i] != path[i]) return false;
    return true;
}

} // namespace

void Router::add(std::string_view method, std::string_view pattern, Handler handler)
{
    _routes.push_back({std::string(method), split(pattern), std::move(handler)});
}

Router::Match Router::find(Call& call) const
{
    const auto path = split(call.path);
    const std::string_view method = call.request.method == "HEAD" ? "GET" : std::string_view(call.request.method);
    Match match;
    for (const auto& route : _routes) {
        if (!matches(route.segments, path)) continue;
        if (route.method == method) {
            for (std::size_t i = 0; i < path.size(); ++i)
                if (route.segments[i] == "*") call.captured.push_back(percentDecode(path[i], false));
            match.handler = &route.handler;
            return match;
        }
        match.allow += (match.allow.empty() ? "" : ", ") + route.method;
    }
    return match;
}

} // namespace tollgate::testing::sandbox
