#include "hygiene/Child.h"
#include "hygiene/FreedMemory.h"
#include "hygiene/MemoryImage.h"
#include "hygiene/OtherProcess.h"

#include "support/Sanitizers.h"
#include "tollgate/Client.h"
#include "tollgate/Error.h"

#include <openssl/crypto.h>

#include <array>
#include <future>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;
using transport::test::Authority;

namespace {

/// A file that holds a hidden text, written byte by byte.
class KeyFile
{
public:
    explicit KeyFile(const HiddenText& text)
    {
        const int descriptor = ::mkstemp(_path.data());
        text.each([descriptor](char c) {
            volatile char byte = c;
            BOOST_REQUIRE(::write(descriptor, const_cast<const char*>(&byte), 1) == 1);
            byte = 0;
        });
        ::close(descriptor);
    }
    ~KeyFile() { ::unlink(_path.data()); }
    KeyFile(const KeyFile&) = delete;
    KeyFile& operator=(const KeyFile&) = delete;
    std::string path() const { return _path.data(); }

private:
    std::array<char, 32> _path{"/tmp/tollgate-key-XXXXXX"};
};

/// Logs all that an observer can see.
struct Log final : Observer
{
    std::mutex mutex;
    std::vector<std::string> lines;
    void add(std::string line)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        lines.push_back(std::move(line));
    }
    void onAttempt(const AttemptRecord& record) override { add(record.method + ' ' + record.url + ' ' + record.requestId); }
    void onNotice(const Notice& notice) override { add(notice.text); }
    void onTransition(const Transition& transition) override { add(transition.text); }
};

/// Whether freed memory is given back, and all memory can be read: a sanitizer keeps the one and has terabytes of shadow.
boost::test_tools::assertion_result memoryIsPlain(boost::unit_test::test_unit_id)
{
#if defined(TOLLGATE_TESTS_WITH_ASAN) || defined(TOLLGATE_TESTS_WITH_TSAN)
    return skippedBecause("a sanitizer keeps freed memory and terabytes of shadow");
#else
    return true;
#endif
}

/// Sends all kinds of requests, and lets all kinds of things go wrong.
std::size_t use(const Client& client)
{
    std::size_t failures = 0;
    std::string texts;
    const auto send = [&](const Request& request) {
        const auto result = client.trySend(request);
        if (result) return;
        ++failures;
        texts += result.error().what();
        texts += result.error().displayText();
    };
    for (const char* path : {"/ok", "/busy", "/missing", "/cut", "/reset", "/ok", "/unauthorized"})
        send(client.get(path).query("q", "1").timeout(10s));
    client.reset();
    send(client.post("/ok").json("{\"a\":1}"));
    send(client.post("/ok").body(std::string(100'000, 'x'), "text/plain"));
    send(client.get("http://127.0.0.1:1/elsewhere"));
    send(client.get("/ok").header("X-Bad", "a\r\nb"));
    std::promise<void> done;
    client.get("/ok").sendAsync([&done](const Result<Response>&) { done.set_value(); });
    done.get_future().wait();
    return failures;
}

struct Needle
{
    const char* name;
    HiddenText text;
    std::size_t allowed; ///< while the client lives
};

void checkImage(const std::vector<Needle>& needles, bool alive)
{
    std::size_t all = 0;
    for (const Needle& needle : needles) {
        std::vector<std::string> where;
        const std::size_t allowed = alive ? needle.allowed : 0;
        std::size_t found = occurrences(needle.text, &where);
        // A worker may still be letting go of the call whose callback has come.
        for (int again = 0; again < 50 && found > allowed; ++again) {
            std::this_thread::sleep_for(100ms);
            where.clear();
            found = occurrences(needle.text, &where);
        }
        all += found;
        std::string places;
        for (const std::string& one : where) places += "\n    " + one;
        BOOST_CHECK_MESSAGE(found <= allowed, needle.name << " stands in memory " << found << " times, " << allowed
                                                          << " allowed, "
                                                          << (alive ? "while the client lives:" : "after its end:") << places);
    }
    std::cout << "secrets in the memory image " << (alive ? "while the client lives: " : "after its end: ") << all << "\n";
}

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

} // namespace

BOOST_AUTO_TEST_SUITE(MemoryTest, *boost::unit_test::precondition(memoryIsPlain))

BOOST_AUTO_TEST_CASE(the_scan_finds_what_is_planted)
{
    const HiddenText text = HiddenText::random(40, letters);
    BOOST_TEST(occurrences(text) == 0u);
    {
        std::string heap;
        text.each([&heap](char c) { heap += c; }); // grows: leaves pieces behind, but one whole
        BOOST_TEST(occurrences(text) >= 1u);
        std::array<char, 40> stack{};
        std::copy(heap.begin(), heap.end(), stack.begin());
        BOOST_TEST(occurrences(text) >= 2u);
        std::fill(heap.begin(), heap.end(), '.');
        BOOST_TEST(occurrences(text) == 1u);
        BOOST_TEST(stack[0] == text.at(0));
        std::fill(stack.begin(), stack.end(), '.');
    }
    HiddenText known;
    for (const char c : std::string("a+b/c")) known.add(c);
    std::string form;
    known.base64().each([&form](char c) { form += c; });
    BOOST_TEST(form == "YStiL2M=");
    form.clear();
    known.percentEncoded(true).each([&form](char c) { form += c; });
    BOOST_TEST(form == "a%2Bb%2Fc");
}

BOOST_AUTO_TEST_CASE(a_block_given_back_unwiped_is_noticed)
{
    const HiddenText text = HiddenText::random(40, letters);
    const FreedMemory freed({text});
    {
        std::string wiped;
        wiped.reserve(60);
        text.each([&wiped](char c) { wiped += c; });
        std::fill(wiped.begin(), wiped.end(), '.');
    }
    BOOST_TEST(freed.unwiped() == 0u);
    {
        std::string left;
        left.reserve(60);
        text.each([&left](char c) { left += c; });
    }
    BOOST_TEST(freed.unwiped() == 1u);
}

BOOST_AUTO_TEST_CASE(a_piece_in_a_block_given_back_is_noticed_wherever_it_lies)
{
    const HiddenText text = HiddenText::random(40, letters);
    const FreedMemory freed({HiddenText::random(40, letters), text});
    unsigned expected = 0;
    for (const std::size_t size : {FreedMemory::pieceSize - 1, FreedMemory::pieceSize})
        for (std::size_t from = 0; from + size <= text.size(); ++from)
            for (std::size_t place = 0; place < 8; ++place) {
                std::string left(place, '.');
                left.reserve(60);
                for (std::size_t i = from; i < from + size; ++i) left += text.at(i);
                left.resize(60, '.'); // over what the block held before
                expected += size == FreedMemory::pieceSize ? 1 : 0;
            }
    BOOST_TEST(freed.unwiped() == expected);
    {
        std::string grown; // what is given back on the way is never the whole of it
        text.each([&grown](char c) { grown += c; });
        std::fill(grown.begin(), grown.end(), '.');
    }
    BOOST_TEST(freed.unwiped() == expected + 1);
}

BOOST_AUTO_TEST_CASE(a_secret_in_a_url_leaves_no_piece_where_the_url_outgrows_its_place)
{
    const HiddenText text = HiddenText::random(40, "+/=:@"); // percent-encoding changes all of it
    const FreedMemory freed({text, text.percentEncoded(true)});
    {
        std::string secret;
        secret.reserve(text.size());
        text.each([&secret](char c) { secret += c; });
        std::string encoded = percentEncode(secret);
        Url url("https://example.com/x");
        url.addQuery("key", secret);
        url.addQuery("q", std::string(2000, 'x'));
        BOOST_TEST((url.target().find(encoded) != std::string::npos));
        for (const std::string_view each : {std::string_view(secret), std::string_view(encoded), std::string_view(url.target())})
            OPENSSL_cleanse(const_cast<char*>(each.data()), each.size());
    }
    BOOST_TEST(freed.unwiped() == 0u);
}

BOOST_AUTO_TEST_CASE(a_source_keeps_one_copy_of_its_file)
{
    const HiddenText text = HiddenText::random(40, letters);
    const KeyFile file(text);
    auto source = fileSource(file.path());
    BOOST_TEST(occurrences(text) == 1u); // before anything else uses the stack that it was read on
    source->reload();
    BOOST_TEST(occurrences(text) == 1u);
    source.reset();
    BOOST_TEST(occurrences(text) == 0u);
}

BOOST_AUTO_TEST_CASE(no_secret_stays_in_memory)
{
    const Authority authority;
    const OtherProcess server(authority);

    HiddenText marks; // what percent-encoding changes
    for (const char c : std::string("+/")) marks.add(c);
    const HiddenText token = HiddenText::random(20, letters) + marks + HiddenText::random(20, letters);
    const HiddenText user = HiddenText::random(30, letters); // the pair's Base64 ends with '=', which percent-encoding changes
    const HiddenText password = HiddenText::random(17, letters) + marks + HiddenText::random(18, letters);
    const HiddenText site = HiddenText::random(32, "0123456789abcdef");
    HiddenText colon;
    colon.add(':');
    const HiddenText pair = user + colon + password;
    std::vector<Needle> needles{
        // Each Secret holds one; the scheme keeps the rendered line besides, the source its own copy of the file.
        {"the token", token, 2},
        {"the token, percent-encoded", token.percentEncoded(true), 0},
        {"the token, percent-encoded in lower case", token.percentEncoded(false), 0},
        {"the token, escaped as in JSON", token.escaped(), 0},
        {"the publishable key", user, 1},
        {"the secret key", password, 1},
        {"the secret key, percent-encoded", password.percentEncoded(true), 0},
        {"the secret key, percent-encoded in lower case", password.percentEncoded(false), 0},
        {"the secret key, escaped as in JSON", password.escaped(), 0},
        {"user and secret key", pair, 0},
        {"user and secret key in Base64", pair.base64(), 2},
        {"user and secret key in Base64, percent-encoded", pair.base64().percentEncoded(true), 0},
        {"user and secret key in Base64, percent-encoded in lower case", pair.base64().percentEncoded(false), 0},
        {"the site", site, 1},
    };
    const KeyFile tokenFile(token), userFile(user), passwordFile(password), siteFile(site);
    const auto log = std::make_shared<Log>();
    std::vector<HiddenText> texts;
    for (const Needle& needle : needles) texts.push_back(needle.text);
    const FreedMemory freed(std::move(texts));
    std::size_t failures = 0;
    {
        TransportOptions options;
        options.tls.caFile = authority.file();
        const auto transport = Transport::create(options);
        for (const std::string& url : {server.plainUrl, server.secureUrl}) {
            RetryPolicy retry;
            retry.baseDelay = 1ms;
            const auto client = [&](AuthStrategyPtr auth) {
                return Client::to(url)
                    .auth(std::move(auth))
                    .transport(transport)
                    .limit(perMinute(1000), lockout())
                    .retry(retry)
                    .observer(log)
                    .header("X-Client", "hygiene")
                    .build();
            };
            const Client bearers = client(bearer(fileSource(tokenFile.path())));
            const Client sites =
                client(basicWithSite(fileSource(userFile.path()), fileSource(passwordFile.path()), fileSource(siteFile.path())));
            failures += use(bearers) + use(sites);
            // A thread of the host's own, which is gone later.
            std::thread([&] { failures += use(bearers) + use(sites); }).join();
            checkImage(needles, true);
        }
    }
    checkImage(needles, false);
    std::cout << "blocks given back with a piece of a secret in them: " << freed.unwiped() << "\n";
    BOOST_TEST(freed.unwiped() == 0u);
    BOOST_TEST(failures > 40u); // things did go wrong
    BOOST_TEST(log->lines.size() > 40u);
}

BOOST_AUTO_TEST_SUITE_END()
