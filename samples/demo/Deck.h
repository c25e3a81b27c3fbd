#pragma once

#include "tollgate/Error.h"

#include <functional>
#include <string>

namespace tollgate::demo {

/// Prints what the demo shows; with colours only on a terminal, and not if NO_COLOR is set (no-color.org).
class Deck
{
public:
    Deck();

    void title(const std::string& text) const;
    void line(const std::string& text) const;
    /// A table row or the like, set off from the rest.
    void strong(const std::string& text) const;

    /// Runs what must fail, and prints the error with its hint. Counts it as a surprise if it does not fail, or with another
    /// type.
    void fails(const std::string& what, const char* type, const std::function<void()>& attempt);

    int failures() const noexcept { return _failures; }
    int surprises() const noexcept { return _surprises; }

private:
    std::string painted(const char* colour, const std::string& text) const;
    bool _colours;
    int _failures = 0;
    int _surprises = 0;
};

} // namespace tollgate::demo
