#include "CodecDriver.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace tollgate::transport::test;

namespace {

using std::string_literals::operator""s;

constexpr const char* refused = "ProtocolError";
constexpr const char* tooLarge = "ResponseTooLarge";
constexpr const char* cutOff = "ConnectionLost";

struct Case
{
    std::string name;
    std::string bytes;
    std::string outcome; ///< Outcome::text()
};

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
const std::string last = "0\r\n\r\n";

std::size_t casesInAll = 0, arrivalsInAll = 0;

/// Every case whole, cut in two at every position, and byte by byte: the outcome is the same.
void check(const std::vector<Case>& cases, bool answersHead = false)
{
    std::size_t arrivals = 0, wrong = 0;
    for (const Case& each : cases) {
        const std::size_t size = each.bytes.size();
        const auto judge = [&](const Outcome& outcome, const std::string& how) {
            ++arrivals;
            if (outcome.text() == each.outcome) return true;
            ++wrong;
            BOOST_ERROR(each.name << ", " << how << ": " << outcome.text() << " instead of " << each.outcome);
            return false;
        };
        if (!judge(parse(each.bytes, size + 1, answersHead), "whole")) continue;
        if (!judge(parse(each.bytes, 1, answersHead), "byte by byte")) continue;
        // Of what is large only the beginning and the end are interesting.
        for (std::size_t cut = 1; cut<size; cut += size> 1000 && cut > 400 && cut + 400 < size ? 97 : 1) {
            const auto inTwo = [first = true, cut, size]() mutable { return std::exchange(first, false) ? cut : size; };
            if (!judge(parseArriving(each.bytes, inTwo, answersHead), "cut at " + std::to_string(cut))) break;
        }
    }
    BOOST_TEST(wrong == 0u);
    casesInAll += cases.size();
    arrivalsInAll += arrivals;
}

Case length(const std::string& value, const std::string& outcome)
{
    return {"Content-Length: '" + value + "'", ok + "Content-Length: " + value + "\r\n\r\nhello", outcome};
}

Case coding(const std::string& value, const std::string& outcome)
{
    return {"Transfer-Encoding: '" + value + "'", ok + "Transfer-Encoding: " + value + "\r\n\r\n5\r\nhello\r\n" + last, outcome};
}

/// One chunk of "hello" with that size line, and the last one.
Case chunk(const std::string& sizeLine, const std::string& outcome)
{
    return {"chunk '" + sizeLine + "'", chunked + sizeLine + "\r\nhello\r\n" + last, outcome};
}

Case line(const std::string& text, const std::string& outcome)
{
    return {"status line '" + text + "'", text + "\r\nContent-Length: 2\r\n\r\nhi", outcome};
}

Case field(const std::string& text, const std::string& outcome = refused)
{
    return {"field '" + text + "'", ok + "Content-Length: 2\r\n" + text + "\r\nX: y\r\n\r\nhi", outcome};
}

Case trailer(const std::string& text, const std::string& outcome)
{
    return {"trailer '" + text + "'", chunked + "2\r\nhi\r\n0\r\n" + text + "\r\n\r\n", outcome};
}

std::string repeated(const std::string& text, std::size_t count)
{
    std::string all;
    while (count-- > 0) all += text;
    return all;
}

} // namespace

struct SumUp
{
    ~SumUp() { BOOST_TEST_MESSAGE("strictness cases: " << casesInAll << ", in " << arrivalsInAll << " ways of arriving"); }
};

BOOST_AUTO_TEST_SUITE(StrictnessTests, *boost::unit_test::fixture<SumUp>())

// RFC 9112 section 6.3, RFC 9110 section 8.6
BOOST_AUTO_TEST_CASE(content_length)
{
    const std::string hello = "200 hello, kept";
    check({
        length("5", hello),
        length("0005", hello), // 1*DIGIT
        length("\t5 \t", hello),
        length("00000000000000000000000005", hello),
        length("", refused),
        length("5, 5", refused), // the RFC allows to refuse it, and a sound server sends none
        length("5,", refused),
        length(",5", refused),
        length("5, 6", refused),
        length("+5", refused),
        length("-5", refused),
        length("-0", refused),
        length("5 5", refused),
        length("5.0", refused),
        length("5e0", refused),
        length("0x5", refused),
        length("5;x", refused),
        length("\"5\"", refused),
        length("\xef\xbc\x95", refused), // a full-width digit
        length("five", refused),
        length("18446744073709551616", refused), // 2^64
        length("99999999999999999999999", refused),
        length("18446744073709551615", cutOff), // it may be; the reader's cap is another matter
        {"equal ones", ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", refused},
        {"differing ones", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", refused},
        {"one that hides", ok + "Content-Length : 5\r\n\r\nhello", refused},
        {"two, one of which is empty", ok + "Content-Length: 5\r\nContent-Length:\r\n\r\nhello", refused},
        {"with chunks", ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + last, refused},
        {"behind chunks", ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + last, refused},
        {"with another coding", ok + "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello", refused},
        {"zero, with chunks", ok + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + last, refused},
        {"a byte short", ok + "Content-Length: 6\r\n\r\nhello", cutOff},
        {"none", ok + "\r\nhello", "200 hello, closed"},
    });
}

// RFC 9112 sections 6.1 and 7
BOOST_AUTO_TEST_CASE(transfer_encoding)
{
    check({
        coding("chunked", "200 hello, kept"),
        coding("CHUNKED", "200 hello, kept"),
        coding("  chunked\t", "200 hello, kept"),
        coding("", refused),
        coding("gzip, chunked", refused), // nobody asked for it (section 6.1)
        coding("chunked, gzip", refused),
        coding("chunked, chunked", refused),
        coding("chunked,", refused),
        coding(", chunked", refused),
        coding("chunked;q=1", refused),
        coding("\"chunked\"", refused),
        coding("identity", refused),
        coding("chunked identity", refused),
        coding("xchunked", refused),
        coding("chun\x0bked", refused),
        {"twice", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + last, refused},
        {"identity, then chunked", ok + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + last, refused},
        {"in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + last, refused},
        {"in HTTP/1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + last,
         refused},
        {"in a 304", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "304 , kept"}, // section 6.1 allows it
        {"in a 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "204 , closed"},
        {"in a 100", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked + last, refused},
    });
}

// RFC 9112 section 7.1
BOOST_AUTO_TEST_CASE(chunks)
{
    const std::string hello = "200 hello, kept";
    check({
        chunk("5", hello),
        chunk("05", hello),
        chunk("0000000000000000000000000000005", hello),
        chunk("5;a", hello),
        chunk("5;a=b;c=\"d e\\\"f\"", hello),
        chunk("5 ; a = b", hello),        // "bad" blanks: section 7.1.1 says to take them
        chunk("5;a=\"\xc3\xa4\"", hello), // obs-text
        chunk("", refused),
        chunk(" 5", refused),
        chunk("5 ", refused),
        chunk("5\t", refused),
        chunk("+5", refused),
        chunk("-5", refused),
        chunk("0x5", refused),
        chunk("5h", refused),
        chunk("5,5", refused),
        chunk("g", refused),
        chunk("\xef\xbc\x95", refused),
        chunk("10000000000000005", refused),
        chunk("fffffffffffffffffffff", refused),
        chunk("5;", refused),
        chunk("5;;a", refused),
        chunk("5;a=", refused),
        chunk("5;=b", refused),
        chunk("5;a=\"b", refused), // the quote does not swallow the line's end
        chunk("5;a=\"b\\", refused),
        chunk("5;a=\"b\"c", refused),
        chunk("5;a=\"\n\"", refused), // what others take for a line's end
        chunk("5;a=\"\r\"", refused),
        chunk("5;a=\"\r\n\"", refused),
        chunk("5;a=\"\0\""s, refused),
        chunk("5;a=\x7f", refused),
        chunk("5\n", refused),
        chunk("5\r", refused),
        chunk("\n5", refused),
        chunk("6", refused), // the data is one byte shorter
        chunk("4", refused),
        {"LF alone behind the size", chunked + "5\nhello\r\n" + last, refused},
        {"LF alone behind the data", chunked + "5\r\nhello\n" + last, refused},
        {"nothing behind the data", chunked + "5\r\nhello" + last, refused},
        {"CR alone behind the data", chunked + "5\r\nhello\rx" + last, refused},
        {"LF alone behind the last size", chunked + "0\n\r\n", refused},
        {"LF alone at the end", chunked + "0\r\n\n", refused},
        {"a last chunk with an extension", chunked + "5\r\nhello\r\n000;a=b\r\n\r\n", hello},
        {"a last chunk with an open quote", chunked + "5\r\nhello\r\n0;a=\"\r\n\r\n", refused},
        {"a last chunk with an open quote that closes later", chunked + "0;a=\"\r\n\r\n\"\r\n\r\n", refused},
        {"two chunks", chunked + "3\r\nhel\r\n2\r\nlo\r\n" + last, hello},
        {"data that looks like the end", chunked + "5\r\n0\r\n\r\n\r\n" + last, "200 0\r\n\r\n, kept"},
        {"no last chunk", chunked + "5\r\nhello\r\n", cutOff},
        {"no end of the last chunk", chunked + "5\r\nhello\r\n0\r\n", cutOff},
        {"half an end of the last chunk", chunked + "5\r\nhello\r\n0\r\n\r", cutOff},
        {"half a chunk", chunked + "5\r\nhel", cutOff},
        {"an extension beyond the cap", chunked + "5;a=" + std::string(headCap, 'b') + "\r\nhello\r\n" + last, tooLarge},
        {"a size beyond the cap", chunked + std::string(headCap, '0') + "5\r\nhello\r\n" + last, tooLarge},
        {"a size line without end", chunked + "5;a=\"" + std::string(2 * headCap, 'b'), tooLarge},
        {"extensions that add up", chunked + repeated("1;" + std::string(99, 'e') + "\r\nx\r\n", headCap / 100 + 1) + last,
         tooLarge},
    });
}

// RFC 9112 section 7.1.2, RFC 9110 section 6.5
BOOST_AUTO_TEST_CASE(trailers)
{
    check({
        trailer("X: y", "200 hi, kept"),
        trailer("Authorization: Bearer x\r\nConnection: close\r\nSet-Cookie: a=b", "200 hi, kept"), // set apart, never obeyed
        trailer("Content-Length: 2", refused),
        trailer("Content-Length: 7", refused),
        trailer("Transfer-Encoding: chunked", refused),
        trailer("Transfer-Encoding: identity", refused),
        trailer("X: a\r\n b", refused),
        trailer(" X: a", refused),
        trailer("X : a", refused),
        trailer(": a", refused),
        trailer("X", refused),
        trailer("X: a\nY: b", refused),
        trailer("X: a\rY: b", refused),
        trailer("X: a\0b"s, refused),
        {"beyond the cap", chunked + "0\r\nX: " + std::string(headCap, 't') + "\r\n\r\n", tooLarge},
        {"without end", chunked + "0\r\n" + repeated("X: y\r\n", headCap / 6 + 1), tooLarge},
        {"too many", chunked + "0\r\n" + repeated("X:\r\n", 1001) + "\r\n", tooLarge},
        {"many", chunked + "0\r\n" + repeated("X:\r\n", 1000) + "\r\n", "200 , kept"},
    });
    const Outcome outcome = parse(chunked + "2\r\nhi\r\n0\r\nAuthorization: x\r\nRetry-After: 9\r\n\r\n", 3);
    BOOST_TEST(outcome.fields == "Transfer-Encoding=chunked;");
    BOOST_TEST(outcome.trailers == "Authorization=x;Retry-After=9;");
}

// RFC 9112 sections 2.2, 2.3 and 4
BOOST_AUTO_TEST_CASE(status_lines)
{
    const std::string hi = "200 hi, kept";
    check({
        line("HTTP/1.1 200 OK", hi),
        line("HTTP/1.1 200 ", hi),
        line("HTTP/1.1 200 two words\tand a tab", hi),
        line("HTTP/1.1 200 \xc3\xa4", hi), // obs-text
        line("HTTP/1.0 200 OK", "200 hi, closed"),
        line("HTTP/1.1 299 x", "299 hi, kept"),
        line("HTTP/1.1 600 x", "600 hi, kept"), // RFC 9110 section 15: to be treated as a 5xx
        line("HTTP/1.1 999 x", "999 hi, kept"),
        line("HTTP/1.1 200", refused), // the blank is not optional
        line("HTTP/1.1 20 OK", refused),
        line("HTTP/1.1 2000 OK", refused),
        line("HTTP/1.1 2x0 OK", refused),
        line("HTTP/1.1 +20 OK", refused),
        line("HTTP/1.1 -200 OK", refused),
        line("HTTP/1.1  200 OK", refused),
        line("HTTP/1.1\t200 OK", refused),
        line("HTTP/1.1 200\tOK", refused),
        line("HTTP/1.1 000 x", refused),
        line("HTTP/1.1 099 x", refused),
        line("HTTP/1.2 200 OK", refused), // there is none, and there will be none
        line("HTTP/2.0 200 OK", refused),
        line("HTTP/2 200 OK", refused),
        line("HTTP/0.9 200 OK", refused),
        line("HTTP/1 200 OK", refused),
        line("HTTP/01.1 200 OK", refused),
        line("HTTP/1.10 200 OK", refused),
        line("HTTP/1.1x 200 OK", refused),
        line("http/1.1 200 OK", refused),
        line("HTTPS/1.1 200 OK", refused),
        line("ICY 200 OK", refused),
        line(" HTTP/1.1 200 OK", refused),
        line("\r\nHTTP/1.1 200 OK", refused), // only a server may skip empty lines (section 2.2)
        line("\nHTTP/1.1 200 OK", refused),
        line("\xef\xbb\xbfHTTP/1.1 200 OK", refused),
        line("HTTP/1.1 200 O\0K"s, refused),
        line("HTTP/1.1 200 O\rK", refused),
        line("HTTP/1.1 200 O\x1bK", refused),
        line("HTTP/1.1 200 O\x7fK", refused),
        line("HTTP/1.1 200 OK\nX: y", refused),
        line("<html>", refused),
        line("SSH-2.0-OpenSSH_9.2", refused),
        {"HTTP/0.9", "<html>hello</html>", refused},
        {"TLS", "\x15\x03\x01\x00\x02\x02\x46"s, refused},
        {"nothing", "", cutOff},
        {"half of it", "HTTP/1.1 2", cutOff},
        {"no head", ok, cutOff},
        {"LF alone at its end", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi", refused},
        {"LF alone everywhere", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", refused},
        {"beyond the cap", "HTTP/1.1 200 " + std::string(headCap, 'r') + "\r\n\r\n", tooLarge},
    });
}

// RFC 9112 section 5, RFC 9110 sections 5.1 and 5.5
BOOST_AUTO_TEST_CASE(fields)
{
    const std::string hi = "200 hi, kept";
    check({
        field("A: b", hi),
        field("A:b", hi),
        field("A:", hi),
        field("A: \t b \t", hi),
        field("!#$%&'*+-.^_`|~09azAZ: b", hi), // all of token
        field("A: \xc3\xa4\xff", hi),          // obs-text
        field("A: b\tc", hi),
        field("A: =?UTF-8?B?DQpTZXQtQ29va2llOiBh?=", hi), // RFC 2047 words stay what they are
        field("A : b"),
        field("A\t: b"),
        field(" A: b"),
        field("\tA: b"),
        field(": b"),
        field("A"),
        field("A b: c"),
        field("A\0: b"s),
        field("A(: b"),
        field("A\xc3\xa4: b"),
        field("A\x7f: b"),
        field("\"A\": b"),
        field("A\r: b"),
        field("A\n: b"),
        field("A: b\0c"s),
        field("A: b\x01"),
        field("A: b\x08"),
        field("A: b\x0b"),
        field("A: b\x1b[0m"),
        field("A: b\x7f"),
        field("A: b\rc"),
        field("A: b\r"),
        field("A: b\nC: d"),
        field("A: b\n"),
        field("A: b\r\n c"), // obs-fold: refused, section 5.2 lets us
        field("A: b\r\n\tc"),
        field("A:\r\n b"),
        field("A: b\r\n \r\n c"),
        field("A: b\r\n "),
        {"LF alone at the head's end", ok + "Content-Length: 2\r\n\nhi", refused},
        {"CR CR LF", ok + "A: b\r\r\n\r\n", refused},
        {"CR alone at the head's end", ok + "A: b\r\n\rhi\r\n\r\n", refused},
        {"the value of its length k * 4092", ok + "A: " + std::string(4092 - 5, 'a') + "\r\nContent-Length: 2\r\n\r\nhi", hi},
        {"one beyond the cap", ok + "A: " + std::string(headCap, 'a') + "\r\n\r\n", tooLarge},
        {"a name beyond the cap", ok + std::string(headCap, 'a') + ": b\r\n\r\n", tooLarge},
        {"a head without end", ok + repeated("A: b\r\n", headCap), tooLarge},
        {"too many", ok + repeated("a:\r\n", 1000) + "\r\n", tooLarge},
        {"many", ok + repeated("a:\r\n", 998) + "Content-Length: 2\r\n\r\nhi", hi},
    });
    const Outcome outcome = parse(ok + "A: =?UTF-8?B?DQpY?=\r\na:  1 \t2 \r\nContent-Length: 0\r\n\r\n", 5);
    BOOST_TEST(outcome.fields == "A==?UTF-8?B?DQpY?=;a=1 \t2;Content-Length=0;");
    // To the byte: what fits the cap passes, one more does not.
    for (const std::size_t more : {0U, 1U}) {
        const std::string tail = "\r\nContent-Length: 2\r\n\r\n";
        const std::string head = ok + "A: " + std::string(headCap - ok.size() - 3 - tail.size() + more, 'a') + tail;
        BOOST_REQUIRE(head.size() == headCap + more);
        check({{"a head at the cap", head + "hi", more == 0 ? hi : tooLarge}});
    }
}

// RFC 9110 sections 15.2, 15.3.5, 15.3.6, 15.4.5; RFC 9112 section 6.3
BOOST_AUTO_TEST_CASE(messages_without_content)
{
    const std::string ten = "Content-Length: 2\r\n\r\nhi";
    check({
        {"100", "HTTP/1.1 100 Continue\r\n\r\n" + ok + ten, "200 hi, kept"},
        {"102, 103, 199", "HTTP/1.1 102 x\r\n\r\nHTTP/1.1 103 x\r\nLink: </>\r\n\r\nHTTP/1.1 199 \r\n\r\n" + ok + ten,
         "200 hi, kept"},
        {"100 with a length of nothing", "HTTP/1.1 100 x\r\nContent-Length: 0\r\n\r\n" + ok + ten, "200 hi, kept"},
        {"100 with a length", "HTTP/1.1 100 x\r\nContent-Length: 2\r\n\r\nhi" + ok + ten, refused},
        {"100 whose content looks like an answer", "HTTP/1.1 100 x\r\nContent-Length: 38\r\n\r\n" + ok + ten, refused},
        {"100 with bytes behind it", "HTTP/1.1 100 x\r\n\r\nhi" + ok + ten, refused},
        {"100 with the end of the connection", "HTTP/1.1 100 x\r\nConnection: close\r\n\r\n" + ok + ten, "200 hi, closed"},
        {"100 and nothing else", "HTTP/1.1 100 x\r\n\r\n", cutOff},
        {"101", "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", refused},
        {"64 of them", repeated("HTTP/1.1 103 x\r\n\r\n", 64) + ok + ten, "200 hi, kept"},
        {"65 of them", repeated("HTTP/1.1 103 x\r\n\r\n", 65) + ok + ten, refused},
        {"204", "HTTP/1.1 204 x\r\n\r\n", "204 , kept"},
        {"204 with a length of nothing", "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", "204 , kept"},
        {"204 with a length", "HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nhi", "204 , closed"},
        {"205", "HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n", "205 , kept"},
        {"205 with content", "HTTP/1.1 205 x\r\nContent-Length: 2\r\n\r\nhi", "205 hi, kept"}, // framed as any other
        {"304", "HTTP/1.1 304 x\r\n\r\n", "304 , kept"},
        {"304 with a length", "HTTP/1.1 304 x\r\nContent-Length: 99\r\n\r\n", "304 , kept"},
        {"304 with two lengths", "HTTP/1.1 304 x\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n", refused},
    });
    check(
        {
            {"HEAD with a length", ok + "Content-Length: 99\r\n\r\n", "200 , kept"},
            {"HEAD with chunks", chunked, "200 , kept"},
            {"HEAD with neither", ok + "\r\n", "200 , kept"},
            {"HEAD behind a 103", "HTTP/1.1 103 x\r\n\r\n" + ok + "\r\n", "200 , kept"},
            {"HEAD with both", ok + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n", refused},
            {"HEAD in HTTP/1.0 with chunks", "HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", refused},
        },
        true);
    // Whatever lies behind is not of this message.
    BOOST_TEST(parse("HTTP/1.1 204 x\r\n\r\nhi", 3).rest == "hi");
    BOOST_TEST(parse("HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\nhi", 3).rest == "hi");
    BOOST_TEST(parse(ok + "Content-Length: 2\r\n\r\nhi", 3, true).rest == "hi");
    BOOST_TEST(parse(chunked + last + last, 3).rest == last);
}

// RFC 9112 sections 9.3 and 9.6
BOOST_AUTO_TEST_CASE(the_end_of_the_connection)
{
    const auto with = [](const std::string& version, const std::string& fields, const std::string& outcome) {
        return Case{version + " " + fields, version + " 200 OK\r\n" + fields + "Content-Length: 2\r\n\r\nhi",
                    "200 hi, " + outcome};
    };
    const auto v11 = [&](const std::string& fields, const std::string& outcome) { return with("HTTP/1.1", fields, outcome); };
    const auto v10 = [&](const std::string& fields, const std::string& outcome) { return with("HTTP/1.0", fields, outcome); };
    check({
        v11("", "kept"),
        v11("Connection: close\r\n", "closed"),
        v11("Connection: CLOSE\r\n", "closed"),
        v11("Connection: foo, close\r\n", "closed"),
        v11("Connection: foo,,\tClose ,bar\r\n", "closed"),
        v11("Connection: foo\r\nConnection: close\r\n", "closed"),
        v11("Connection: close\r\nConnection: keep-alive\r\n", "closed"),
        v11("Connection: keep-alive, close\r\n", "closed"),
        v11("Connection: keep-alive\r\n", "kept"),
        v11("Connection: closed\r\n", "kept"), // another word
        v11("Connection:\r\n", "kept"),
        v11("Proxy-Connection: close\r\n", "kept"), // no field of HTTP
        v10("", "closed"),
        v10("Connection: keep-alive\r\n", "kept"),
        v10("Connection: foo, Keep-Alive\r\n", "kept"),
        v10("Connection: keep-alive, close\r\n", "closed"),
        v10("Connection: close\r\nConnection: keep-alive\r\n", "closed"),
        v10("Proxy-Connection: keep-alive\r\n", "closed"),
        v10("Keep-Alive: timeout=5\r\n", "closed"),
        {"until the end, whatever it says", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nhi", "200 hi, closed"},
        {"until the end, in HTTP/1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhi", "200 hi, closed"},
    });
}

// Whatever is cut off anywhere is an error, but for what ends with the connection.
BOOST_AUTO_TEST_CASE(every_truncation_is_an_error)
{
    std::vector<Case> cases;
    const std::vector<std::string> messages = {
        ok + "Content-Length: 5\r\n\r\nhello", chunked + "5;a=\"b\"\r\nhello\r\n3\r\n!!!\r\n0;c\r\nX: 1\r\nY: 2\r\n\r\n",
        "HTTP/1.1 103 x\r\nA: b\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx", "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"};
    for (const std::string& whole : messages)
        for (std::size_t size = 0; size < whole.size(); ++size)
            cases.push_back({"cut off after " + std::to_string(size), whole.substr(0, size), cutOff});
    check(cases);
}

BOOST_AUTO_TEST_SUITE_END()
