#include "tollgate/Secret.h"

#include "support/Throws.h"
#include "tollgate/CredentialSource.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <ostream>
#include <type_traits>

#include <unistd.h>

using namespace tollgate;
using tollgate::tests::contains;
using tollgate::tests::thrown;

namespace {

template <class T, class = void>
struct IsPrintable : std::false_type
{};
template <class T>
struct IsPrintable<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<const T&>())>> : std::true_type
{};

/// A file of its own in the working directory, gone with the test.
struct TemporaryFile
{
    explicit TemporaryFile(const std::string& content) { write(content); }
    ~TemporaryFile() { std::remove(path.c_str()); }
    void write(const std::string& content) const
    {
        const std::string next = path + ".new";
        std::ofstream(next, std::ios::binary) << content;
        std::rename(next.c_str(), path.c_str());
    }
    std::string path = "secret-test-" + std::to_string(::getpid());
};

} // namespace

BOOST_AUTO_TEST_SUITE(SecretTest)

BOOST_AUTO_TEST_CASE(cannot_be_printed_or_converted)
{
    BOOST_TEST(!IsPrintable<Secret>::value);
    BOOST_TEST((!std::is_convertible_v<Secret, std::string>));
    BOOST_TEST((!std::is_convertible_v<std::string, Secret>));
}

BOOST_AUTO_TEST_CASE(fingerprints_tell_versions_apart_and_nothing_else)
{
    const Secret one("sk_live_abcdefghijklmnop");
    const Secret same("sk_live_abcdefghijklmnop");
    const Secret other("sk_live_abcdefghijklmnoq");
    BOOST_TEST(one.fingerprint() == same.fingerprint());
    BOOST_TEST(one.fingerprint() != other.fingerprint());
    BOOST_TEST(one.fingerprint().size() == 32U);
    BOOST_TEST((one == same));
    BOOST_TEST((one != other));
    BOOST_TEST(one.lastFour() == "mnop");
    BOOST_TEST(Secret("short").lastFour().empty());
    BOOST_TEST(Secret("").empty());
    BOOST_TEST((Secret() == Secret("")));
}

BOOST_AUTO_TEST_CASE(a_missing_variable_is_named)
{
    ::unsetenv("TOLLGATE_TEST_UNSET");
    const auto unset = thrown<MissingCredential>([] { Secret::fromEnvironment("TOLLGATE_TEST_UNSET"); });
    BOOST_TEST(contains(unset->what(), "TOLLGATE_TEST_UNSET is not set"));
    ::setenv("TOLLGATE_TEST_EMPTY", "", 1);
    const auto empty = thrown<MissingCredential>([] { environmentSource("TOLLGATE_TEST_EMPTY"); });
    BOOST_TEST(contains(empty->what(), "TOLLGATE_TEST_EMPTY is empty"));
}

BOOST_AUTO_TEST_CASE(the_environment_is_read_again_on_request_only)
{
    ::setenv("TOLLGATE_TEST_KEY", "first-version-1", 1);
    const auto source = environmentSource("TOLLGATE_TEST_KEY");
    ::setenv("TOLLGATE_TEST_KEY", "second-version-2", 1);
    BOOST_TEST(source->current().expose() == "first-version-1");
    source->reload();
    BOOST_TEST(source->current().expose() == "second-version-2");
    BOOST_TEST(source->slot() == "environment variable TOLLGATE_TEST_KEY");
}

BOOST_AUTO_TEST_CASE(a_file_is_read_again_when_it_changes)
{
    const TemporaryFile file("old-key-0001\n");
    const auto source = fileSource(file.path);
    BOOST_TEST(source->current().expose() == "old-key-0001");
    const auto before = source->current().fingerprint();
    file.write("new-key-0002\r\n");
    BOOST_TEST(source->current().expose() == "new-key-0002");
    BOOST_TEST(source->current().fingerprint() != before);
    // While it is being replaced, it may be empty or gone: the last good version stays.
    file.write("");
    BOOST_TEST(source->current().expose() == "new-key-0002");
    std::remove(file.path.c_str());
    BOOST_TEST(source->current().expose() == "new-key-0002");
    file.write("newest-key-0003");
    BOOST_TEST(source->current().expose() == "newest-key-0003");
}

BOOST_AUTO_TEST_CASE(an_unreadable_file_is_explained)
{
    const auto missing = thrown<MissingCredential>([] { fileSource("/nonexistent/key"); });
    BOOST_TEST(contains(missing->what(), "/nonexistent/key"));
    BOOST_TEST(contains(missing->what(), "No such file"));
    thrown<MissingCredential>([] { fileSource("/"); });
    const TemporaryFile empty("\n");
    thrown<MissingCredential>([&] { fileSource(empty.path); });
    const TemporaryFile huge(std::string(70'000, 'x'));
    BOOST_TEST(contains(thrown<MissingCredential>([&] { fileSource(huge.path); })->what(), "larger than 64 KiB"));
}

BOOST_DATA_TEST_CASE(what_cannot_be_a_credential_is_refused_with_the_reason,
                     boost::unit_test::data::make({"", " qzx9", "qzx9 ", "qz x9", "qzx9\n", "qz\r\nx9", "{{qzx9}}", "<qzx9>",
                                                   "qzx9\x01", "qz<x9", "\"qzx9\"", "'qzx9'", "qz\tx9", "qzx9\x7f"}))
{
    const std::string reason = whyNotACredential(sample);
    BOOST_TEST(!reason.empty());
    BOOST_TEST(!contains(reason, "qz"));
}

BOOST_DATA_TEST_CASE(what_may_be_a_credential_passes,
                     boost::unit_test::data::make({"btoo_sk_live_x", "a", "pk_123+/=", "p%40ss:w{rd}"}))
{
    BOOST_TEST(whyNotACredential(sample).empty());
}

BOOST_AUTO_TEST_SUITE_END()
