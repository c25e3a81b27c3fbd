#include "CodecDriver.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace tollgate::transport::test;

namespace {

void checkAccepted(const std::string& bytes, int status, const std::string& body, bool keepAlive = true)
{
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, bytes.size() + 1}) {
        const Outcome outcome = parse(bytes, step);
        BOOST_TEST_CONTEXT(bytes << " in steps of " << step)
        {
            BOOST_TEST(outcome.error == "");
            BOOST_TEST(outcome.status == status);
            BOOST_TEST(outcome.body == body);
            BOOST_TEST(outcome.keepAlive == keepAlive);
        }
    }
}

void checkRefused(const std::string& bytes, const std::string& error = "ProtocolError")
{
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size() + 1}) {
        const Outcome outcome = parse(bytes, step);
        BOOST_TEST_CONTEXT(bytes.substr(0, 300) << " in steps of " << step) { BOOST_TEST(outcome.error == error); }
    }
}

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

} // namespace

BOOST_AUTO_TEST_SUITE(CodecTests)

BOOST_AUTO_TEST_CASE(valid_messages)
{
    checkAccepted(ok + "Content-Length: 5\r\n\r\nhello", 200, "hello");
    checkAccepted(ok + "Content-Length: 0\r\n\r\n", 200, "");
    checkAccepted(ok + "content-length:5\r\n\r\nhello", 200, "hello");
    checkAccepted("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, "");
    checkAccepted("HTTP/1.1 599 What\r\nContent-Length: 0\r\n\r\n", 599, "");
    checkAccepted(ok + "\r\nto the end", 200, "to the end", false);
    checkAccepted("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false);
    checkAccepted("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", true);
    checkAccepted(ok + "Connection: foo, close\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false);
    checkAccepted("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
    checkAccepted("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, "");
    checkAccepted("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx",
                  200, "x");
}

BOOST_AUTO_TEST_CASE(valid_chunks)
{
    checkAccepted(chunked + "0\r\n\r\n", 200, "");
    checkAccepted(chunked + "5\r\nhello\r\n0\r\n\r\n", 200, "hello");
    checkAccepted(chunked + "1\r\na\r\n1\r\nb\r\n00001\r\nc\r\n0\r\n\r\n", 200, "abc");
    checkAccepted(chunked + "A;name=value;flag\r\n0123456789\r\n0;last\r\n\r\n", 200, "0123456789");
    checkAccepted(chunked + "64\r\n" + std::string(100, 'z') + "\r\n000\r\n\r\n", 200, std::string(100, 'z'));
    checkAccepted(ok + "Transfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, "hi");
}

BOOST_AUTO_TEST_CASE(trailers_stay_apart_from_the_head)
{
    const std::string bytes = chunked + "2\r\nhi\r\n0\r\nX-Sum: 1\r\nRetry-After: 9\r\n\r\n";
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
        const Outcome outcome = parse(bytes, step);
        BOOST_TEST(outcome.error == "");
        BOOST_TEST(outcome.body == "hi");
        BOOST_TEST(outcome.trailers == "X-Sum=1;Retry-After=9;");
    }
    checkRefused(chunked + "2\r\nhi\r\n0\r\nContent-Length: 3\r\n\r\n");
    checkRefused(chunked + "2\r\nhi\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n");
    checkRefused(chunked + "2\r\nhi\r\n0\r\nX: 1\r\n folded\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(an_answer_to_head_ends_with_its_head)
{
    const Outcome outcome = parse(ok + "Content-Length: 10\r\n\r\nHTTP/1.1 2", 5, true);
    BOOST_TEST(outcome.error == "");
    BOOST_TEST(outcome.body == "");
    BOOST_TEST(outcome.rest == "HTTP/1.1 2");
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_message_are_left_alone)
{
    for (const std::size_t step : {std::size_t{1}, std::size_t{4096}}) {
        BOOST_TEST(parse(ok + "Content-Length: 2\r\n\r\nhiHTTP/1.1 200", step).rest == "HTTP/1.1 200");
        BOOST_TEST(parse(chunked + "2\r\nhi\r\n0\r\n\r\nHTTP", step).rest == "HTTP");
    }
}

BOOST_AUTO_TEST_CASE(lengths_that_smuggle)
{
    checkRefused(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
    checkRefused(ok + "Content-Length: 5, 6\r\n\r\nhello!");
    checkRefused(ok + "Content-Length: -5\r\n\r\nhello");
    checkRefused(ok + "Content-Length: +5\r\n\r\nhello");
    checkRefused(ok + "Content-Length: 0x5\r\n\r\nhello");
    checkRefused(ok + "Content-Length: 5 5\r\n\r\nhello");
    checkRefused(ok + "Content-Length:\r\n\r\nhello");
    checkRefused(ok + "Content-Length: 99999999999999999999\r\n\r\nhello");
    checkRefused(ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    checkRefused(ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(transfer_codings_that_nobody_asked_for)
{
    checkRefused(ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    checkRefused(ok + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n");
    checkRefused(ok + "Transfer-Encoding: identity\r\n\r\nx");
    checkRefused(ok + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    checkRefused(ok + "Transfer-Encoding:\r\n\r\nx");
    checkRefused(ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    checkRefused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(broken_heads)
{
    checkRefused("HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n");
    checkRefused("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    checkRefused("HTTP/1.1 20 OK\r\n\r\n");
    checkRefused("HTTP/1.1 2000 OK\r\n\r\n");
    checkRefused("HTTP/2.0 200 OK\r\n\r\n");
    checkRefused("HTTP/1.2 200 OK\r\n\r\n");
    checkRefused("ICY 200 OK\r\n\r\n");
    checkRefused("<html>not http</html>\r\n\r\n");
    checkRefused(ok + "Name : value\r\n\r\n");
    checkRefused(ok + "No colon\r\n\r\n");
    checkRefused(ok + ": empty\r\n\r\n");
    checkRefused(ok + "Folded: a\r\n b\r\n\r\n");
    checkRefused(ok + "Folded: a\r\n\tb\r\n\r\n");
    checkRefused(ok + "Nul: a" + std::string(1, '\0') + "b\r\n\r\n");
    checkRefused(ok + "Bare: a\rb\r\n\r\n");
    checkRefused("HTTP/1.1 200 OK\nContent-Length: 0\n\n");
    checkRefused(ok + "A: b\nContent-Length: 0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(broken_chunks)
{
    checkRefused(chunked + "-5\r\nhello\r\n0\r\n\r\n");
    checkRefused(chunked + "+5\r\nhello\r\n0\r\n\r\n");
    checkRefused(chunked + "0x5\r\nhello\r\n0\r\n\r\n");
    checkRefused(chunked + "G\r\nhello\r\n0\r\n\r\n");
    checkRefused(chunked + "5 \r\nhello\r\n0\r\n\r\n");
    checkRefused(chunked + "\r\nhello\r\n0\r\n\r\n");
    checkRefused(chunked + "10000000000000005\r\nhello\r\n0\r\n\r\n");
    checkRefused(chunked + "5\r\nhelloX\r\n0\r\n\r\n");
    checkRefused(chunked + "5\r\nhello!!0\r\n\r\n");
    checkRefused(chunked + "5\nhello\r\n0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(truncated_messages)
{
    for (const std::string& whole : {ok + "Content-Length: 5\r\n\r\nhello", chunked + "5\r\nhello\r\n0\r\n\r\n",
                                     chunked + "5\r\nhello\r\n0\r\nX: 1\r\n\r\n"})
        for (std::size_t size = 0; size < whole.size(); ++size)
            BOOST_TEST(parse(whole.substr(0, size), size + 1).error == "ConnectionLost", whole.substr(0, size));
}

BOOST_AUTO_TEST_CASE(what_is_large_is_capped)
{
    checkRefused(ok + "X: " + std::string(headCap, 'x') + "\r\n\r\n", "ResponseTooLarge");
    std::string many = ok;
    while (many.size() < headCap) many += "A: b\r\n";
    checkRefused(many + "\r\n", "ResponseTooLarge");
    checkRefused("HTTP/1.1 200 " + std::string(headCap, 'r') + "\r\n\r\n", "ResponseTooLarge");
    checkRefused(chunked + "1;" + std::string(headCap, 'e') + "\r\nx\r\n0\r\n\r\n", "ResponseTooLarge");
    checkRefused(chunked + "1\r\nx\r\n0\r\nX: " + std::string(headCap, 't') + "\r\n\r\n", "ResponseTooLarge");
    std::string extensions = chunked;
    for (std::size_t i = 0; i <= headCap / 100; ++i) extensions += "1;" + std::string(100, 'e') + "\r\nx\r\n";
    checkRefused(extensions + "0\r\n\r\n", "ResponseTooLarge");
}

BOOST_AUTO_TEST_CASE(interim_responses_without_end)
{
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += "HTTP/1.1 103 Early Hints\r\n\r\n";
    checkRefused(bytes + ok + "Content-Length: 0\r\n\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
