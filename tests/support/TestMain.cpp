// The one Boost.Test main of all test programs.
#define BOOST_TEST_MODULE tollgate
#include <boost/test/unit_test.hpp>
