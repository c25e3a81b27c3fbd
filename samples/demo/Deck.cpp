#include "Deck.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace tollgate::demo {

namespace {

constexpr const char* bold = "1";
constexpr const char* red = "31";
constexpr const char* dim = "2";

bool wantsColours()
{
    const char* off = std::getenv("NO_COLOR"); // NOLINT(concurrency-mt-unsafe): nothing here changes the environment
    return (!off || *off == '\0') && ::isatty(STDOUT_FILENO) != 0;
}

} // namespace

Deck::Deck() : _colours(wantsColours()) {}

std::string Deck::painted(const char* colour, const std::string& text) const
{
    return _colours ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : text;
}

void Deck::title(const std::string& text) const { line('\n' + painted(bold, text)); }

void Deck::line(const std::string& text) const
{
    std::puts(text.c_str());
    std::fflush(stdout); // what is shown stands in the order it happened, also next to the progress bar
}

void Deck::strong(const std::string& text) const { line(painted(bold, text)); }

void Deck::fails(const std::string& what, const char* type, const std::function<void()>& attempt)
{
    ++_failures;
    try {
        attempt();
        ++_surprises;
        line(fmt::format("  {}: it worked, which it should not\n", what));
    } catch (const Error& error) {
        if (error.name() != std::string(type)) ++_surprises;
        line(fmt::format("  {}", what));
        line(fmt::format("    {} ({}): {}", painted(red, error.name()), toString(error.delivery()), error.details().message));
        if (!error.hint().empty()) line(painted(dim, fmt::format("    hint: {}", error.hint())));
        if (!error.support().empty()) line(painted(dim, fmt::format("    support: {}", error.support())));
    }
}

} // namespace tollgate::demo
