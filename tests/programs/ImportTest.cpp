// tollgate bento import: CSV as it comes, bad rows beside good ones, resuming, the limit.

#include "programs/Command.h"

#include "tollgate/Json.h"

#include <Poco/JSON/Array.h>
#include <boost/test/unit_test.hpp>

#include <csignal>

using namespace tollgate;
using namespace tollgate::test;
using namespace std::chrono_literals;

namespace {

struct Import : CommandFixture
{
    using CommandFixture::CommandFixture;

    Finished import(const std::string& path, const std::vector<std::string>& options = {}) const
    {
        std::vector<std::string> arguments{"bento", "import", path};
        arguments.insert(arguments.end(), options.begin(), options.end());
        return tollgate(arguments, goodEnvironment());
    }

    // The rows of all batch requests, as Bento got them.
    std::vector<Poco::JSON::Object::Ptr> sentRows() const
    {
        std::vector<Poco::JSON::Object::Ptr> rows;
        for (const auto& request : sandbox.requests(Api::Bento)) {
            const auto list = parseJson(request.body).extract<Poco::JSON::Object::Ptr>()->getArray("subscribers");
            for (std::size_t i = 0; i < list->size(); ++i) rows.push_back(list->getObject(static_cast<unsigned>(i)));
        }
        return rows;
    }
};

std::string manyRows(int count)
{
    std::string text = "email,first_name\n";
    for (int i = 0; i < count; ++i) text += "person" + std::to_string(i) + "@example.com,Name\n";
    return text;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string sampleFile = std::string(TOLLGATE_SOURCE_DIR) + "/samples/data/subscribers.csv";

} // namespace

BOOST_FIXTURE_TEST_SUITE(ImportCommand, Import)

BOOST_AUTO_TEST_CASE(the_sample_file_is_imported_but_for_its_twelve_bad_rows)
{
    const auto done = import(sampleFile);
    BOOST_TEST(done.status == 12);
    BOOST_TEST(done.out.find("2488 imported, 12 bad or refused; 3 requests") == 0U, done.out);
    BOOST_TEST(sandbox.requests(Api::Bento).size() == 3U);
    BOOST_TEST(sandbox.subscribers() == 2468U);
    BOOST_TEST(sandbox.throttled() == 0U);
    BOOST_TEST(has(done.err, "line 80: there is no e-mail address"));
    BOOST_TEST(has(done.err, "line 287: the e-mail address cannot be one"));
    BOOST_TEST(!has(done.err, "\r"), "a bar is drawn though this is no terminal");
}

BOOST_AUTO_TEST_CASE(every_form_of_csv_is_read)
{
    const TemporaryFile file("\xEF\xBB\xBF"
                             "Email,first_name,last_name,tags,remove_tags,company,\r\n"
                             "\r\n"
                             "zoe@example.com,Zoë,\"Müller, Jr.\",\"a, b\",old,\"Big \"\"Data\"\"\nGmbH\",ignored\r\n"
                             "\n"
                             " li@example.com ,李,,,,,\n"
                             "last@example.com,,,,,\"no line break at the end\",");
    const auto done = import(file.path());
    BOOST_TEST(done.status == 0);
    const auto rows = sentRows();
    BOOST_REQUIRE(rows.size() == 3U);
    BOOST_TEST(textOf(rows[0], "email") == "zoe@example.com");
    BOOST_TEST(textOf(rows[0], "first_name") == "Zoë");
    BOOST_TEST(textOf(rows[0], "last_name") == "Müller, Jr.");
    BOOST_TEST(textOf(rows[0], "tags") == "a,b");
    BOOST_TEST(textOf(rows[0], "remove_tags") == "old");
    BOOST_TEST(textOf(rows[0], "company") == "Big \"Data\"\nGmbH");
    BOOST_TEST(textOf(rows[1], "email") == "li@example.com");
    BOOST_TEST(!rows[1]->has("company"));
    BOOST_TEST(textOf(rows[2], "company") == "no line break at the end");
}

BOOST_AUTO_TEST_CASE(bad_rows_are_told_by_line_and_the_good_go_on)
{
    const std::string text = "email,name\n"
                             "good1@example.com,One\n"
                             "too,many,fields\n"
                             "alone@example.com\n"
                             "good2@example.com,\"two\nlines\"\n"
                             "qu\"ote@example.com,Three\n"
                             "\"closed@example.com\"oops,Four\n"
                             "latin@example.com,\xE9\n"
                             "good3@example.com,Five\n"
                             "open@example.com,\"never closed\n";
    const TemporaryFile file(text);
    const TemporaryFile rejects({});
    const auto done = import(file.path(), {"--rejects", rejects.path()});
    BOOST_TEST(done.status == 12);
    BOOST_TEST(has(done.out, "3 imported, 6 bad or refused"), done.out);
    BOOST_TEST(has(done.err, "line 3: 3 fields where the header has 2"), done.err);
    BOOST_TEST(has(done.err, "line 4: 1 fields where the header has 2"));
    BOOST_TEST(has(done.err, "line 7: a quote stands inside"));
    BOOST_TEST(has(done.err, "line 8: there is text after the quote"));
    BOOST_TEST(has(done.err, "line 9: the text is not UTF-8"));
    BOOST_TEST(has(done.err, "line 11: the quote that is opened in line 11 is never closed"));
    BOOST_TEST(sentRows().size() == 3U);
    BOOST_TEST(rejects.read() ==
               "too,many,fields\nalone@example.com\nqu\"ote@example.com,Three\n\"closed@example.com\"oops,Four\n"
               "latin@example.com,\xE9\nopen@example.com,\"never closed\n");
}

BOOST_AUTO_TEST_CASE(strict_and_dry_run_send_nothing)
{
    const TemporaryFile bad("email\ngood@example.com\nnot-an-address\n");
    const auto strict = import(bad.path(), {"--strict"});
    BOOST_TEST(strict.status == 3);
    BOOST_TEST(has(strict.err, "line 3:"));
    const auto dry = import(bad.path(), {"--dry-run"});
    BOOST_TEST(dry.status == 12);
    BOOST_TEST(has(dry.out, "1 rows are good, 1 are bad; nothing was sent"), dry.out);
    BOOST_TEST(sandbox.answered() == 0U);

    const TemporaryFile good("email\ngood@example.com\n");
    BOOST_TEST(tollgate({"bento", "import", good.path(), "--dry-run"}).status == 0); // needs no credentials
    BOOST_TEST(sandbox.answered() == 0U);
    BOOST_TEST(import(good.path(), {"--strict"}).status == 0);
    BOOST_TEST(sandbox.subscribers() == 1U);
}

BOOST_AUTO_TEST_CASE(a_missing_column_names_line_and_column_and_imports_nothing)
{
    const TemporaryFile file("\nE-Mail,Vorname\nzoe@example.com,Zoë\n");
    const auto missing = import(file.path());
    BOOST_TEST(missing.status == 3);
    BOOST_TEST(has(missing.err, "line 2: there is no column \"email\""), missing.err);
    BOOST_TEST(has(missing.err, "\"E-Mail\", \"Vorname\""));
    BOOST_TEST(has(import(file.path(), {"--columns", "email=Mail"}).err, "there is no column \"Mail\""));
    BOOST_TEST(import(file.path(), {"--columns", "email"}).status == 2);
    const TemporaryFile twice("email,name,name\nzoe@example.com,a,b\n");
    BOOST_TEST(has(import(twice.path()).err, "\"name\" stands there twice"));
    const TemporaryFile empty({});
    BOOST_TEST(import(empty.path()).status == 3);
    BOOST_TEST(import("/no/such/file.csv").status == 3);
    BOOST_TEST(import("/tmp").status == 3);
    BOOST_TEST(sandbox.answered() == 0U);

    BOOST_TEST(import(file.path(), {"--columns", "email=E-Mail,first_name=Vorname"}).status == 0);
    BOOST_TEST(textOf(sentRows().at(0), "first_name") == "Zoë");
}

BOOST_AUTO_TEST_CASE(missing_credentials_are_named)
{
    const TemporaryFile file("email\ngood@example.com\n");
    auto environment = goodEnvironment();
    environment.erase("BENTO_SITE_UUID");
    const auto done = tollgate({"bento", "import", file.path()}, environment);
    BOOST_TEST(done.status == 3);
    BOOST_TEST(has(done.err, "BENTO_SITE_UUID"));
}

BOOST_AUTO_TEST_CASE(what_stops_it_says_where_to_go_on)
{
    const TemporaryFile file(manyRows(2500));
    Fault unauthorized = Fault::answer(400);
    sandbox.inject(Api::Bento, Fault::slow(1ms)); // the first request passes
    sandbox.inject(Api::Bento, unauthorized);
    const auto stopped = import(file.path());
    BOOST_TEST(stopped.status == 4);
    BOOST_TEST(has(stopped.out, "1000 imported"), stopped.out);
    BOOST_TEST(has(stopped.err, "--from-line 1002"), stopped.err);
    BOOST_TEST(sandbox.subscribers() == 1000U);

    const auto resumed = import(file.path(), {"--from-line", "1002"});
    BOOST_TEST(resumed.status == 0);
    BOOST_TEST(has(resumed.out, "1500 imported, 0 bad"), resumed.out);
    BOOST_TEST(sandbox.subscribers() == 2500U);
}

BOOST_AUTO_TEST_CASE(lines_are_right_with_line_breaks_and_bad_rows_in_between)
{
    std::string text = "email,note\n";
    for (int i = 0; i < 1000; ++i)
        text += i % 100 == 50 ? "bad,row\nperson" + std::to_string(i) + "@example.com,\"two\nlines\"\n"
                              : "person" + std::to_string(i) + "@example.com,\n";
    // 1,000 good rows and 10 bad ones on 1,020 lines follow the header; the next one begins on line 1,022.
    text += "late@example.com,\n";
    const TemporaryFile file(text);
    sandbox.inject(Api::Bento, Fault::slow(1ms));
    sandbox.inject(Api::Bento, Fault::answer(400));
    const auto stopped = import(file.path());
    BOOST_TEST(has(stopped.err, "--from-line 1022"), stopped.err);
    BOOST_TEST(import(file.path(), {"--from-line", "1022"}).status == 0);
    BOOST_TEST(sandbox.subscribers() == 1001U);
}

BOOST_AUTO_TEST_CASE(ctrl_c_says_where_to_go_on)
{
    const TemporaryFile file(manyRows(1500));
    sandbox.inject(Api::Bento, Fault::slow(1ms));
    sandbox.inject(Api::Bento, Fault::slow(60s));
    Process process("tollgate", {"bento", "import", file.path()}, withState(goodEnvironment()));
    BOOST_REQUIRE(process.await("1000 rows")); // the first request is answered, and the next one is under way or about to be
    process.signal(SIGINT);
    const auto done = process.wait(30s);
    checkNoSecrets(done);
    BOOST_TEST(!done.timedOut);
    BOOST_TEST(done.status == 130);
    BOOST_TEST(has(done.err, "--from-line 1002"), done.err);
}

BOOST_AUTO_TEST_SUITE_END()
