// tollgate request --follow, against servers that redirect.

#include "programs/Command.h"
#include "transport/Certificates.h"
#include "transport/Support.h"

#include <Poco/JSON/Array.h>

#include <set>
#include <utility>

using namespace tollgate::test;
using tollgate::transport::test::answer;
using tollgate::transport::test::Authority;
using tollgate::transport::test::Peer;
using tollgate::transport::test::RawServer;
using tollgate::transport::test::Record;

namespace {

std::string redirect(int status, const std::string& location)
{
    return "HTTP/1.1 " + std::to_string(status) + " Elsewhere\r\nLocation: " + location + "\r\nContent-Length: 5\r\n\r\nmoved";
}

// Method and target of a request: "GET /path?query".
std::string lineOf(const std::string& request) { return request.substr(0, request.find(" HTTP/1.1\r\n")); }

std::string bodyOf(const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); }

bool hasField(const std::string& request, const std::string& field)
{
    return request.substr(0, request.find("\r\n\r\n") + 2).find("\r\n" + field + "\r\n") != std::string::npos;
}

// A server that answers by the request's line and keeps what it was sent.
class Site
{
public:
    using Answer = std::function<std::string(const std::string& line)>;
    explicit Site(Answer answers, SSL_CTX* tls = nullptr)
        : _server(
              [this, answers = std::move(answers)](Peer& peer) {
                  for (std::string request = peer.readRequest(); !request.empty(); request = peer.readRequest()) {
                      requests.add(request);
                      if (!peer.send(answers(lineOf(request)))) return;
                  }
              },
              tls)
    {}
    std::string url(const std::string& target) const { return _server.url(target); }
    std::vector<std::string> lines() const
    {
        std::vector<std::string> lines;
        for (const std::string& request : requests.all()) lines.push_back(lineOf(request));
        return lines;
    }

    Record requests;

private:
    RawServer _server;
};

// A URL that the test sets while the server's thread runs.
class Place
{
public:
    Place& operator=(const std::string& url)
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        _url = url;
        return *this;
    }
    std::string text() const
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        return _url;
    }

private:
    mutable std::mutex _mutex;
    std::string _url;
};

// Redirects the one request of this line, and answers all others with "here".
Site::Answer from(const std::string& line, int status, const std::string& location)
{
    return [=](const std::string& asked) { return asked == line ? redirect(status, location) : answer("here"); };
}

using Lines = std::vector<std::string>;

const Environment key{{"KEY", "a-key-for-the-first-host-only"}, {"USER", "a-user"}, {"SITE", "a-site-for-the-first-host-only"}};

Finished request(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), {"request", "--store", "none"});
    auto done = runProgram("tollgate", arguments, key);
    BOOST_TEST(!done.timedOut);
    for (const char* secret : {"KEY", "SITE"}) BOOST_TEST(done.all().find(key.at(secret)) == std::string::npos);
    return done;
}

// The error of a chain that ended in a redirect: it was answered, and the answer is there.
std::string errorOf(const Finished& done, const std::string& type)
{
    const auto object = onlyObject(done);
    BOOST_TEST(done.status == 10);
    BOOST_TEST(object->getValue<int>("status") / 100 == 3);
    const auto error = object->getObject("error");
    BOOST_TEST(textOf(error, "type") == type);
    BOOST_TEST(textOf(error, "delivery") == "Answered");
    BOOST_TEST(textOf(error, "hint").find("--follow") != std::string::npos);
    return textOf(error, "message");
}

} // namespace

BOOST_AUTO_TEST_SUITE(FollowRedirects)

BOOST_AUTO_TEST_CASE(without_the_option_the_redirect_is_the_answer)
{
    Site site(from("GET /start", 302, "/end"));
    const auto done = request({"GET", site.url("/start")});
    BOOST_TEST(done.status == 0);
    BOOST_TEST(done.out == "moved");
    BOOST_TEST(site.lines() == Lines{"GET /start"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_status_is_followed_with_the_method_it_asks_for)
{
    struct Case
    {
        int status;
        const char* method;
        const char* then;
    };
    for (const Case& each : {Case{301, "GET", "GET"},
                             {302, "GET", "GET"},
                             {303, "GET", "GET"},
                             {307, "GET", "GET"},
                             {308, "GET", "GET"},
                             {301, "HEAD", "HEAD"},
                             {303, "HEAD", "HEAD"},
                             {301, "POST", "GET"},
                             {302, "POST", "GET"},
                             {303, "POST", "GET"},
                             {307, "POST", "POST"},
                             {308, "POST", "POST"},
                             {301, "PUT", "PUT"},
                             {302, "DELETE", "DELETE"},
                             {303, "PUT", "GET"}})
    {
        const auto [status, method, then] = each;
        // The answer to a HEAD has no body, whatever its fields say.
        const std::string start = std::string(method) + " /start";
        const bool head = method == std::string("HEAD");
        Site site([&](const std::string& line) {
            const std::string bytes = line == start ? redirect(each.status, "/end") : answer("here");
            return head ? bytes.substr(0, bytes.find("\r\n\r\n") + 4) : bytes;
        });
        std::vector<std::string> words{method, site.url("/start"), "--follow", "--header", "X-Mine: 1"};
        const bool body = method[0] == 'P';
        if (body)
            for (const char* word : {"--data", "{\"n\":1}", "--header", "Content-Language: de"}) words.emplace_back(word);
        const auto done = request(words);
        BOOST_TEST_CONTEXT(status << ' ' << method)
        {
            BOOST_TEST(done.status == 0);
            BOOST_TEST(done.out == (head ? "" : "here"));
            const Lines expected{start, std::string(then) + " /end"};
            BOOST_TEST(site.lines() == expected, boost::test_tools::per_element());
            BOOST_REQUIRE(site.requests.size() == 2U);
            const std::string last = site.requests[1];
            const bool kept = body && then == std::string(method);
            BOOST_TEST(bodyOf(last) == (kept ? "{\"n\":1}" : ""));
            BOOST_TEST(hasField(last, "Content-Type: application/json") == kept);
            BOOST_TEST(hasField(last, "Content-Language: de") == kept);
            BOOST_TEST(hasField(last, "X-Mine: 1"));
        }
    }
}

BOOST_AUTO_TEST_CASE(other_3xx_and_those_without_a_location_are_answers)
{
    for (const int status : {300, 304, 305}) {
        Site site([status](const std::string&) {
            const std::string bytes = redirect(status, "/end");
            return status == 304 ? bytes.substr(0, bytes.find("Content-Length")) + "\r\n" : bytes;
        });
        const auto done = request({"GET", site.url("/start"), "--follow", "--json"});
        BOOST_TEST(done.status == 0);
        BOOST_TEST(onlyObject(done)->getValue<int>("status") == status);
        BOOST_TEST(site.requests.size() == 1U);
    }
    Site site([](const std::string&) { return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"; });
    const auto done = request({"GET", site.url("/start"), "--follow", "--json"});
    BOOST_TEST(done.status == 0);
    BOOST_TEST(onlyObject(done)->getValue<int>("status") == 302);
}

BOOST_AUTO_TEST_CASE(references_are_resolved_as_rfc_3986_section_5_4_lists_them)
{
    const std::vector<std::pair<const char*, const char*>> table{
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"g#s", "/b/c/g"},
        {"g?y#s", "/b/c/g?y"},
        {";x", "/b/c/;x"},
        {"g;x", "/b/c/g;x"},
        {"g;x?y#s", "/b/c/g;x?y"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"../../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {".g", "/b/c/.g"},
        {"g..", "/b/c/g.."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/./h", "/b/c/g/h"},
        {"g/../h", "/b/c/h"},
        {"g;x=1/./y", "/b/c/g;x=1/y"},
        {"g;x=1/../y", "/b/c/y"},
        {"g?y/./x", "/b/c/g?y/./x"},
        {"g?y/../x", "/b/c/g?y/../x"},
        {"g#s/../x", "/b/c/g"},
        {"g?", "/b/c/g?"},
        {"/g//h", "/g//h"},
        {"/g?at=12:30", "/g?at=12:30"},
        {"/g/..//h", "//h"}, // a path of this host, not another one
    };
    for (const auto& [reference, target] : table) {
        Site site(from("GET /b/c/d;p?q", 302, reference));
        const auto done = request({"GET", site.url("/b/c/d;p?q"), "--follow"});
        BOOST_TEST_CONTEXT(reference << done.err)
        {
            BOOST_TEST(done.out == "here");
            const Lines expected{"GET /b/c/d;p?q", std::string("GET ") + target};
            BOOST_TEST(site.lines() == expected, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(an_absolute_location_may_stay_at_home_and_then_keeps_everything)
{
    Place home;
    Site site([&](const std::string& line) {
        return line == "GET /start" ? redirect(302, home.text() + "/a/../end") : answer("here");
    });
    home = site.url("");
    const auto done = request({"GET", site.url("/start"), "--follow", "--auth", "bearer:env:KEY", "--header", "Cookie: a=1"});
    BOOST_TEST(done.out == "here");
    BOOST_REQUIRE(site.requests.size() == 2U);
    BOOST_TEST(lineOf(site.requests[1]) == "GET /end");
    BOOST_TEST(hasField(site.requests[1], "Authorization: Bearer " + key.at("KEY")));
    BOOST_TEST(hasField(site.requests[1], "Cookie: a=1"));
}

BOOST_AUTO_TEST_CASE(another_origin_gets_no_credential_and_no_field_that_may_hold_one)
{
    Place home;
    Site other([&](const std::string& line) { return line == "POST /back" ? redirect(307, home.text()) : answer("here"); });
    // Once with a scheme, once with "//host", which is another host as well.
    for (const std::string& there : {other.url("/there"), other.url("/there").substr(5)}) {
        Site site(from("POST /start", 307, there));
        const auto done =
            request({"POST", site.url("/start"), "--follow", "--auth", "bearer:env:KEY", "--data", "text", "--header",
                     "Cookie: a=1", "--header", "X-Api-Key: b", "--header", "Accept: text/plain", "--header",
                     "Accept-Language: de", "--header", "User-Agent: Acme/1", "--header", "Content-Type: text/plain"});
        BOOST_TEST(done.out == "here");
        BOOST_REQUIRE(site.requests.size() == 1U);
        BOOST_TEST(hasField(site.requests[0], "Authorization: Bearer " + key.at("KEY")));
        BOOST_TEST(hasField(site.requests[0], "X-Api-Key: b"));
        const std::string last = other.requests.all().back();
        BOOST_TEST(lineOf(last) == "POST /there");
        BOOST_TEST(last.find(key.at("KEY")) == std::string::npos);
        for (const char* gone : {"Authorization", "Cookie", "X-Api-Key"}) BOOST_TEST(last.find(gone) == std::string::npos, gone);
        for (const char* kept : {"Accept: text/plain", "Accept-Language: de", "User-Agent: Acme/1", "Content-Type: text/plain"})
            BOOST_TEST(hasField(last, kept), kept);
        BOOST_TEST(bodyOf(last) == "text");
    }
    BOOST_TEST(other.requests.size() == 2U);

    // What another origin chose to ask the first one is asked without the credential.
    Site site(from("POST /start", 307, other.url("/back")));
    home = site.url("/chosen");
    const auto done = request({"POST", site.url("/start"), "--follow", "--auth", "bearer:env:KEY", "--header", "X-Api-Key: b"});
    BOOST_TEST(done.out == "here");
    BOOST_REQUIRE(site.requests.size() == 2U);
    BOOST_TEST(lineOf(site.requests[1]) == "POST /chosen");
    BOOST_TEST(site.requests[1].find("Authorization") == std::string::npos);
    BOOST_TEST(site.requests[1].find("X-Api-Key") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_secret_in_the_query_stays_at_home_too)
{
    Site other([](const std::string&) { return answer("here"); });
    Site site([&](const std::string& line) {
        if (line.find("/start") != std::string::npos) return redirect(301, "/next?page=2");
        return redirect(301, other.url("/there?a=1&site_uuid=" + key.at("SITE") + "&b=2")); // as servers do that pass it all on
    });
    const auto done = request({"GET", site.url("/start"), "--follow", "--auth", "basic-site:env:USER:env:KEY:env:SITE"});
    BOOST_TEST(done.out == "here");
    BOOST_REQUIRE(site.requests.size() == 2U);
    BOOST_TEST(lineOf(site.requests[1]) == "GET /next?page=2&site_uuid=" + key.at("SITE"));
    BOOST_TEST(other.lines() == Lines{"GET /there?a=1&b=2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_circle_is_an_error)
{
    Site site([](const std::string& line) { return redirect(302, line == "GET /a" ? "/b" : "/a"); });
    const auto done = request({"GET", site.url("/a"), "--follow", "--json"});
    BOOST_TEST(errorOf(done, "ProtocolError").find("circle") != std::string::npos);
    BOOST_TEST(site.requests.size() == 2U);
    BOOST_TEST(onlyObject(done)->getArray("attempts")->size() == 2U);

    // A POST that is sent on to the GET of the same URL is none.
    Site form([](const std::string& line) { return line == "POST /a" ? redirect(303, "/a") : answer("here"); });
    BOOST_TEST(request({"POST", form.url("/a"), "--follow", "--data", "x"}).out == "here");
}

BOOST_AUTO_TEST_CASE(ten_redirects_are_followed_and_no_more)
{
    const auto numbered = [](unsigned last) {
        return [last](const std::string& line) {
            const auto number = std::stoul(line.substr(5)); // after "GET /"
            return number == last ? answer("here") : redirect(302, std::to_string(number + 1));
        };
    };
    Site ten(numbered(10));
    const auto good = request({"GET", ten.url("/0"), "--follow", "--json"});
    BOOST_TEST(good.status == 0);
    BOOST_TEST(textOf(onlyObject(good), "body") == "here");
    const auto attempts = onlyObject(good)->getArray("attempts");
    BOOST_REQUIRE(attempts->size() == 11U);
    BOOST_TEST(attempts->getObject(0)->getValue<int>("status") == 302);
    BOOST_TEST(attempts->getObject(10)->getValue<int>("status") == 200);

    Site eleven(numbered(11));
    const auto bad = request({"GET", eleven.url("/0"), "--follow", "--json"});
    BOOST_TEST(errorOf(bad, "ProtocolError").find("more than 10 redirects") != std::string::npos);
    BOOST_TEST(eleven.requests.size() == 11U);
}

BOOST_AUTO_TEST_CASE(a_location_that_cannot_be_used_is_told_plainly)
{
    for (const char* location : {"ftp://127.0.0.1/", "http://", "///no-host", "http:/path", "mailto:somebody", "/\\host/x",
                                 "/a b", "http://127.0.0.1:99999/"})
    {
        Site site(from("GET /start", 302, location));
        const auto message = errorOf(request({"GET", site.url("/start"), "--follow", "--json"}), "InvalidUrl");
        BOOST_TEST(message.find("redirects to a place that cannot be used") != std::string::npos, location << ": " << message);
        BOOST_TEST(site.requests.size() == 1U);
    }
    Site site(from("GET /start", 302, "http://user:s3cret@127.0.0.1/"));
    const auto done = request({"GET", site.url("/start"), "--follow"});
    BOOST_TEST(done.status == 10);
    BOOST_TEST(done.err.find("user name or password") != std::string::npos);
    BOOST_TEST(done.all().find("s3cret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(https_is_never_left_for_http)
{
    const Authority authority;
    const auto context = authority.serve("IP:127.0.0.1");
    Site plain([](const std::string&) { return answer("here"); });
    Site site([&](const std::string& line) { return redirect(302, line == "GET /start" ? "/next" : plain.url("/")); },
              context.get());
    const auto done = request({"GET", site.url("/start"), "--follow", "--json", "--ca-file", authority.file()});
    BOOST_TEST(errorOf(done, "InsecureTransport").find("from https to plain http") != std::string::npos);
    BOOST_TEST(site.requests.size() == 2U);
    BOOST_TEST(plain.requests.size() == 0U);
}

BOOST_AUTO_TEST_CASE(an_error_after_a_redirect_has_the_attempts_of_all_hops)
{
    Site site([](const std::string& line) {
        return line == "GET /start" ? redirect(302, "/end") : "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
    });
    const auto done = request({"GET", site.url("/start"), "--follow", "--json"});
    BOOST_TEST(done.status == 4);
    const auto object = onlyObject(done);
    BOOST_TEST(textOf(object, "body") == "gone");
    BOOST_TEST(textOf(object->getObject("error"), "type") == "NotFound");
    BOOST_TEST(object->getArray("attempts")->size() == 2U);

    // A request did go out: no script shall read that nothing was sent.
    Site lost(from("POST /start", 303, "http://" + noSuchHost() + "/"));
    const auto nowhere =
        onlyObject(request({"POST", lost.url("/start"), "--follow", "--json", "--retries", "0", "--deadline", "20s"}));
    BOOST_TEST(textOf(nowhere->getObject("error"), "type") == "NameResolutionError");
    BOOST_TEST(textOf(nowhere->getObject("error"), "delivery") == "MaybeProcessed");
}

BOOST_AUTO_TEST_CASE(the_deadline_is_one_for_the_whole_chain)
{
    // Each hop takes less than the deadline; all of them take far more.
    Site site([](const std::string& line) {
        Peer::pause(std::chrono::milliseconds(400));
        return redirect(302, line.substr(5) + "x");
    });
    const auto done = request({"GET", site.url("/x"), "--follow", "--json", "--deadline", "1s"});
    BOOST_TEST(done.status == 8);
    BOOST_TEST(textOf(onlyObject(done)->getObject("error"), "type") == "Timeout");
    BOOST_TEST(site.requests.size() < 4U);
}

BOOST_AUTO_TEST_CASE(curl_follows_too)
{
    const auto get = request({"GET", "https://example.com/", "--follow", "--curl"});
    BOOST_TEST(get.out.find(" -L --max-redirs 10 ") != std::string::npos);
    BOOST_TEST(get.out.find(" -X ") == std::string::npos); // it would force its method on all hops
    const auto post = request({"POST", "https://example.com/", "--follow", "--data", "x", "--curl"});
    BOOST_TEST(post.out.find(" -X ") == std::string::npos);
    BOOST_TEST(request({"PUT", "https://example.com/", "--follow", "--curl"}).out.find(" -X 'PUT'") != std::string::npos);
    BOOST_TEST(request({"GET", "https://example.com/", "--curl"}).out.find(" -L") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
