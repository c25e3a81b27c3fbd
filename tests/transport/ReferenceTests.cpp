#include "pipeline/Reference.h"

#include "tollgate/Error.h"

#include <boost/test/unit_test.hpp>

#include <utility>

using namespace tollgate;

BOOST_AUTO_TEST_SUITE(ReferenceTests)

// RFC 3986 section 5.4, of which http has all but "g:h" and fragments.
BOOST_AUTO_TEST_CASE(the_examples_of_the_rfc)
{
    const Url base("http://a/b/c/d;p?q");
    constexpr std::pair<const char*, const char*> examples[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/../x", "http://a/b/c/g"},
    };
    for (const auto& [reference, target] : examples)
        BOOST_TEST(pipeline::resolve(base, reference).text() == target, "'" << reference << "' leads to " << target);
}

BOOST_AUTO_TEST_CASE(what_looks_like_a_path_may_be_another_host)
{
    const Url base("https://h/a/b?c");
    BOOST_TEST(pipeline::resolve(base, "//evil/x").origin().host == "evil"); // not a path on h
    BOOST_TEST(pipeline::resolve(base, "HTTP://evil:81/x").origin().text() == "http://evil:81");
    BOOST_TEST(pipeline::resolve(base, "a//evil/x").text() == "https://h/a/a//evil/x");
    BOOST_TEST(pipeline::resolve(base, "?//evil/x").text() == "https://h/a/b?//evil/x");
    BOOST_TEST(pipeline::resolve(base, "x?a=%2F%0d%0a&b").target() == "/a/x?a=%2F%0d%0a&b"); // nothing is decoded
}

BOOST_AUTO_TEST_CASE(what_leads_nowhere_is_refused)
{
    const Url base("https://h/a/b?c");
    for (const char* reference :
         {"g:h", "javascript:alert(1)", "file:///etc/passwd", "https:", "https:x", "//", "///x", "//a@b@c/",
          "https://user:key@h/", "//user@h/", "\\\\evil\\x", "/\\evil", "/a b", "/a\r\nX: y", "/\xc3\xa4", "//[abc]/"})
        BOOST_CHECK_THROW(pipeline::resolve(base, reference), InvalidUrl);
}

BOOST_AUTO_TEST_SUITE_END()
