#include "pipeline/Reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace tollgate::pipeline {

namespace {

/// RFC 3986 section 5.2.4, for a path that begins with '/'.
std::string withoutDots(std::string_view path)
{
    std::string clean;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        const bool dots = segment == "." || segment == "..";
        if (segment == "..") clean.erase(std::min(clean.rfind('/'), clean.size()));
        if (!dots || path.empty()) clean += '/';
        if (!dots) clean += segment;
    }
    return clean;
}

} // namespace

Url resolve(const Url& base, std::string_view reference)
{
    reference = reference.substr(0, reference.find('#'));
    const auto mark = reference.find_first_of(":/?");
    std::string text;
    if (mark != std::string_view::npos && reference[mark] == ':')
        text = reference;
    else if (reference.substr(0, 2) == "//")
        text = fmt::format("{}:{}", base.origin().scheme, reference);
    else if (reference.empty())
        text = base.text();
    else if (mark == 0 && reference.front() == '?')
        text = fmt::format("{}{}{}", base.origin().text(), base.path(), reference);
    else if (mark == 0)
        text = fmt::format("{}{}", base.origin().text(), reference);
    else
        text = fmt::format("{}{}{}", base.origin().text(), base.path().substr(0, base.path().rfind('/') + 1), reference);
    const Url url(text);
    const std::string_view query = std::string_view(url.target()).substr(url.path().size());
    return Url(fmt::format("{}{}{}", url.origin().text(), withoutDots(url.path()), query));
}

} // namespace tollgate::pipeline
