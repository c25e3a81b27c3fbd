#pragma once

#include "transport/ResponseCodec.h"

#include "tollgate/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace tollgate::transport::test {

constexpr std::size_t headCap = 8 * 1024;

/// What became of a message.
struct Outcome
{
    int status = 0;
    std::string reason;
    std::string fields;   ///< "Name=value;", in their order
    std::string body;     ///< what came out, also before an error
    std::string trailers; ///< as `fields`
    std::string rest;     ///< bytes behind the message
    bool keepAlive = false;
    std::string error; ///< type of the error, if it was refused

    /// "200 hello, kept", "200 hello, closed" or the error's type: what must not depend on how the bytes arrive.
    std::string text() const
    {
        return error.empty() ? fmt::format("{} {}, {}", status, body, keepAlive ? "kept" : "closed") : error;
    }
};

/// Feeds the bytes as a connection would: what was not consumed is offered again. `arriving()` says how many more come next.
template <class Arriving>
Outcome parseArriving(std::string_view bytes, Arriving arriving, bool answersHead = false)
{
    const auto text = [](const Headers& headers) {
        std::string lines;
        for (const auto& [name, value] : headers) lines.append(name).append("=").append(value).append(";");
        return lines;
    };
    Outcome outcome;
    std::size_t taken = 0, end = 0;
    bool headSeen = false;
    try {
        ResponseCodec codec(headCap);
        if (answersHead) codec.answersHead();
        char output[64];
        while (!codec.complete()) {
            std::size_t consumed = 0;
            if (!codec.headComplete())
                consumed = codec.feedHead(bytes.data() + taken, end - taken);
            else {
                const auto piece = codec.feedBody(bytes.data() + taken, end - taken, output, sizeof output);
                outcome.body.append(output, piece.produced);
                consumed = piece.consumed;
            }
            taken += consumed;
            if (codec.headComplete() && !headSeen) {
                headSeen = true;
                outcome.status = codec.head().status;
                outcome.reason = codec.head().reason;
                outcome.fields = text(codec.head().headers);
                outcome.keepAlive = codec.keepAlive();
                continue;
            }
            if (consumed > 0 || codec.complete()) continue;
            if (end == bytes.size()) {
                codec.end();
                break;
            }
            end += std::min<std::size_t>(std::max<std::size_t>(arriving(), 1), bytes.size() - end);
        }
        outcome.trailers = text(codec.trailers());
        outcome.rest = std::string(bytes.substr(taken));
    } catch (const Error& error) {
        outcome.error = error.name();
    }
    return outcome;
}

/// The same in steps of that size.
inline Outcome parse(std::string_view bytes, std::size_t step, bool answersHead = false)
{
    return parseArriving(
        bytes, [step] { return step; }, answersHead);
}

} // namespace tollgate::transport::test
