#include "tollgate/Url.h"

#include "Support.h"

#include "pipeline/Reference.h"

#include "tollgate/Error.h"

#include <algorithm>
#include <optional>
#include <string>

using namespace tollgate;
using namespace tollgate::fuzz;

namespace {

template <class Make>
std::optional<Url> accepted(Make make)
{
    try {
        return make();
    } catch (const InvalidUrl& error) {
        require(!error.hint().empty(), "a refusal says what to do");
        return std::nullopt;
    }
}

/// Whatever was accepted is safe to send, and reads as itself.
void judge(const Url& url)
{
    const std::string text = url.text();
    require(std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; }),
            "a URL holds no blank, line break, control character or byte outside ASCII");
    require(url.origin().port != 0, "the port is known");
    require(url.origin().authority().find_first_of("@/?#\\") == std::string::npos, "an authority is a host and a port");
    require(url.target().front() == '/', "a target begins with a slash");
    require(url.target().find('#') == std::string::npos, "a fragment is never sent");
    const Url again(text);
    require(again.origin() == url.origin() && again.target() == url.target(), "a URL that is written out reads as itself");
    require(url.path().size() <= url.target().size() && url.target().substr(0, url.path().size()) == url.path(),
            "the path begins the target");
}

/// RFC 3986 sections 4.2 and 4.3
bool leadsElsewhere(std::string_view reference)
{
    const auto mark = reference.find_first_of(":/?#");
    return reference.substr(0, 2) == "//" || (mark != std::string_view::npos && reference[mark] == ':');
}

} // namespace

/// A base, a line break, and what is taken relative to it.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size > 512) return -1;
    std::string_view rest = textOf(data, size);
    const std::string_view first = takePiece(rest, '\n');
    const auto base = accepted([&] { return Url(first); });
    if (!base) return 0;
    judge(*base);
    const bool bracketed = first.substr(first.find("://") + 3, 1) == "[";
    require(bracketed == (base->origin().host.find(':') != std::string::npos), "what stands in brackets is an IPv6 address");

    const auto below = accepted([&] { return base->below(rest); });
    if (below) {
        judge(*below);
        const auto scheme = rest.find("://");
        const bool absolute = scheme != std::string_view::npos && scheme < rest.find_first_of("/?#");
        require(absolute || below->origin() == base->origin(), "what lies below a URL has its origin");
    }

    Url asked = *base;
    asked.addQuery(rest, rest);
    judge(asked);
    require(asked.hasQuery(percentEncode(rest)), "a parameter that was added is there");

    const auto resolved = accepted([&] { return pipeline::resolve(*base, rest); });
    if (resolved) {
        judge(*resolved);
        require(leadsElsewhere(rest) || resolved->origin() == base->origin(), "a relative reference stays with its origin");
        const std::string path = std::string(resolved->path()) + '/';
        require(path.find("/../") == std::string::npos && path.find("/./") == std::string::npos, "no dots are left in the path");
        const auto again = accepted([&] { return pipeline::resolve(*base, resolved->text()); });
        require(again && again->text() == resolved->text(), "a resolved reference stands for itself");
    }
    return 0;
}
