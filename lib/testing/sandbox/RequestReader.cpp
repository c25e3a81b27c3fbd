#include "RequestReader.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace tollgate::testing::sandbox {

namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t headCap = 64 * 1024;
constexpr std::uint64_t bodyCap = 64ull * 1024 * 1024;

template <class View>
std::string_view view(const View& text)
{
    return {text.data(), text.size()};
}

} // namespace

struct RequestReader::Parser : http::request_parser<http::string_body>
{
    Parser()
    {
        header_limit(headCap);
        body_limit(bodyCap);
        eager(true);
    }
};

RequestReader::RequestReader() = default;
RequestReader::~RequestReader() = default;

RequestReader::Step RequestReader::step()
{
    std::size_t used = 0;
    while (used < _pending.size()) {
        if (!_parser) _parser = std::make_unique<Parser>();
        boost::system::error_code error;
        used += _parser->put(boost::asio::buffer(_pending.data() + used, _pending.size() - used), error);
        if (error == http::error::need_more) break;
        if (error) {
            _failureStatus = error == http::error::header_limit ? 431 : error == http::error::body_limit ? 413 : 400;
            return Step::Failed;
        }
        if (_parser->is_done()) break;
    }
    _pending.erase(0, used);
    return _parser && _parser->is_done() ? Step::Complete : Step::NeedMore;
}

bool RequestReader::takeExpectation()
{
    if (_continued || !_parser || !_parser->is_header_done() || _parser->is_done()) return false;
    const auto expect = _parser->get()[http::field::expect];
    _continued = equalsIgnoreCase(view(expect), "100-continue");
    return _continued;
}

HttpRequest RequestReader::take()
{
    auto message = _parser->release();
    _parser.reset();
    _continued = false;
    _keepAlive = message.keep_alive();

    HttpRequest request;
    request.method = std::string(view(message.method_string()));
    request.target = std::string(view(message.target()));
    for (const auto& field : message) request.headers.add(view(field.name_string()), view(field.value()));
    request.body = std::move(message.body());
    return request;
}

void RequestReader::releaseBuffers()
{
    if (_pending.empty()) std::string().swap(_pending);
}

} // namespace tollgate::testing::sandbox
