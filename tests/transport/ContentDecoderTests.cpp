#include "Support.h"

#include "transport/ContentDecoder.h"

#include <zlib.h>

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

std::string compressed(const std::string& text, int windowBits)
{
    z_stream stream{};
    ::deflateInit2(&stream, 9, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
    std::string out(::deflateBound(&stream, text.size()) + 32, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    BOOST_REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

std::string gzip(const std::string& text) { return compressed(text, 15 + 16); }

Response fetch(const std::string& body, const std::string& coding, TransportOptions options = {}, const std::string& accept = {})
{
    RawServer server(always(answer(body, "Content-Encoding: " + coding + "\r\nX-Kept: 1\r\n")));
    Exchange exchange = request("GET", server.url());
    if (!accept.empty()) exchange.headers.add("Accept-Encoding", accept);
    Response response = Transport::create(options)->exchange(exchange);
    std::string text;
    response.source()->readAll(text);
    return {std::move(response.head()), std::move(text)};
}

std::string longText()
{
    std::string text;
    for (int i = 0; i < 40'000; ++i) text += std::to_string(i * 7919) + " ";
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ContentDecoderTests)

BOOST_AUTO_TEST_CASE(gzip_and_both_kinds_of_deflate)
{
    for (const std::string& text : {std::string("hello"), std::string(), longText()}) {
        BOOST_CHECK(fetch(gzip(text), "gzip").body() == text);
        BOOST_CHECK(fetch(gzip(text), "X-GZip").body() == text);
        BOOST_CHECK(fetch(compressed(text, 15), "deflate").body() == text);
        BOOST_CHECK(fetch(compressed(text, -15), "deflate").body() == text);
    }
    BOOST_TEST(fetch(gzip("one ") + gzip("two"), "gzip").body() == "one two");
}

BOOST_AUTO_TEST_CASE(the_head_says_no_more_what_no_longer_holds)
{
    const Response response = fetch(gzip("hello"), "gzip");
    BOOST_TEST(!response.headers().has("Content-Encoding"));
    BOOST_TEST(!response.headers().has("Content-Length"));
    BOOST_TEST(response.header("X-Kept") == "1");
}

BOOST_AUTO_TEST_CASE(what_was_not_asked_for_passes_untouched)
{
    BOOST_TEST(fetch("raw", "br").body() == "raw");
    BOOST_TEST(fetch("raw", "br").header("Content-Encoding") == "br");
    TransportOptions off;
    off.decompress = false;
    BOOST_TEST(fetch(gzip("x"), "gzip", off).body() == gzip("x"));
    BOOST_TEST(fetch(gzip("x"), "gzip", {}, "gzip").body() == gzip("x"));
    BOOST_TEST(fetch("", "gzip").body().empty());
}

BOOST_AUTO_TEST_CASE(broken_streams_are_errors)
{
    const std::string whole = gzip(longText());
    errorOf<ProtocolError>([&] { fetch(whole.substr(0, whole.size() / 2), "gzip"); });
    errorOf<ProtocolError>([&] { fetch(whole.substr(0, whole.size() - 1), "gzip"); });
    errorOf<ProtocolError>([&] { fetch(whole + "garbage", "gzip"); });
    errorOf<ProtocolError>([&] { fetch(compressed("x", 15) + "garbage", "deflate"); });
    errorOf<ProtocolError>([&] { fetch("not compressed at all", "gzip"); });
    std::string flipped = gzip("hello, hello");
    flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1); // its checksum
    errorOf<ProtocolError>([&] { fetch(flipped, "gzip"); });
}

BOOST_AUTO_TEST_CASE(what_zlib_holds_back_comes_out_however_it_is_read)
{
    class Whole final : public BodySource
    {
    public:
        explicit Whole(std::string bytes) : _bytes(std::move(bytes)) {}
        std::size_t read(char* buffer, std::size_t capacity) override
        {
            const std::size_t count = _bytes.copy(buffer, capacity);
            _bytes.erase(0, count);
            return count;
        }

    private:
        std::string _bytes;
    };
    // The last byte of input may be taken while output still waits inside. It depends on how the last bits lie, and raw deflate
    // has no checksum behind them.
    using tollgate::transport::ContentDecoder;
    for (const int kind : {-15, 15, 15 + 16}) {
        const auto coding = kind > 15 ? ContentDecoder::Coding::Gzip : ContentDecoder::Coding::Deflate;
        for (std::size_t size = 259; size < 400; ++size) {
            const std::string text = "head" + std::string(size, 'x');
            for (const std::size_t capacity : {1U, 7U, 1000U}) {
                ContentDecoder decoder(std::make_shared<Whole>(compressed(text, kind)), coding, 10'000);
                std::string got, piece(capacity, '\0');
                while (const std::size_t count = decoder.read(piece.data(), capacity)) got.append(piece, 0, count);
                BOOST_REQUIRE(got == text);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(bombs_are_defused)
{
    errorOf<ResponseTooLarge>([] { fetch(gzip(std::string(50'000'000, '\0')), "gzip"); }); // by its ratio
    TransportOptions options;
    options.maxBodyBytes = 100'000;
    errorOf<ResponseTooLarge>([&] { fetch(gzip(longText()), "gzip", options); });          // by its size
    BOOST_TEST(fetch(gzip(std::string(900'000, '\0')), "gzip").body().size() == 900'000u); // small ones may shrink as they like
}

BOOST_AUTO_TEST_CASE(an_answer_to_head_keeps_its_fields)
{
    RawServer server(always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n"));
    Exchange exchange = request("HEAD", server.url());
    const Response response = Transport::create()->exchange(exchange);
    BOOST_TEST(response.header("Content-Encoding") == "gzip");
    BOOST_TEST(response.header("Content-Length") == "99");
    BOOST_TEST(bodyOf(response).empty());
}

BOOST_AUTO_TEST_CASE(the_connection_is_kept_after_a_decoded_body)
{
    RawServer server(always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + [] {
        const std::string body = gzip("chunked and zipped");
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", body.size());
        return size + body + "\r\n0\r\n\r\n";
    }()));
    const auto transport = Transport::create();
    for (int i = 0; i < 3; ++i) {
        Exchange exchange = request("GET", server.url());
        BOOST_TEST(bodyOf(transport->exchange(exchange)) == "chunked and zipped");
    }
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
