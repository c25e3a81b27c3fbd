#pragma once

#include "tollgate/Error.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>

namespace tollgate::tests {

/// Runs `action`, which must throw exactly a Leaf, and answers the error; else the test case ends.
template <class Leaf, class Action>
std::shared_ptr<const Leaf> thrown(const Action& action)
{
    try {
        action();
    } catch (const Leaf& error) {
        BOOST_REQUIRE_EQUAL(std::string(error.name()), Leaf::typeName);
        return std::make_shared<const Leaf>(error);
    } catch (const std::exception& error) {
        BOOST_FAIL("expected " << Leaf::typeName << ", got another error: " << error.what());
    }
    BOOST_FAIL("expected " << Leaf::typeName << ", nothing was thrown");
    return nullptr;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace tollgate::tests
