#include "transport/ResponseCodec.h"

#include "Support.h"

#include "tollgate/Error.h"

#include <algorithm>
#include <string>

using namespace tollgate;
using namespace tollgate::fuzz;
using tollgate::transport::ResponseCodec;

namespace {

constexpr std::size_t headCap = 1024;

struct Outcome
{
    std::string error; ///< empty if the message was complete
    int status = 0;
    std::string fields; ///< with the reason, as they would stand in a head
    std::string body;
    std::string trailers;
    std::size_t taken = 0; ///< bytes of the message
    bool keepAlive = false;

    /// How much of a broken message came out before the error depends on the pieces; that it is an error, and which, does not.
    bool operator==(const Outcome& other) const
    {
        if (error != other.error || status != other.status || fields != other.fields) return false;
        return !error.empty() ||
               (body == other.body && trailers == other.trailers && taken == other.taken && keepAlive == other.keepAlive);
    }
};

void write(std::string& to, const Headers& headers)
{
    for (const auto& [name, value] : headers) {
        require(!name.empty() && name.find_first_of(": \t\r\n") == std::string_view::npos, "a field's name is a token");
        require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
                "a field's value holds no CR, LF or NUL");
        to.append(name).append(": ").append(value).append("\r\n");
    }
}

/// Offers the bytes in pieces, as a connection would: what was not taken comes again, with more behind it.
Outcome parse(std::string_view bytes, std::uint8_t seed, bool answersHead)
{
    Outcome outcome;
    Pieces arriving(seed), capacities(static_cast<std::uint8_t>(seed == 0 ? 0 : seed ^ 0xa5));
    char output[512];
    std::size_t end = 0; // of what arrived
    bool headSeen = false;
    ResponseCodec codec(headCap);
    if (answersHead) codec.answersHead();
    try {
        while (!codec.complete()) {
            std::size_t taken = 0, produced = 0;
            const bool wasHead = !codec.headComplete();
            if (wasHead)
                taken = codec.feedHead(bytes.data() + outcome.taken, end - outcome.taken);
            else {
                const std::size_t capacity = capacities.next(sizeof output);
                const auto piece =
                    codec.feedBody(bytes.data() + outcome.taken, end - outcome.taken, output, std::max<std::size_t>(capacity, 1));
                taken = piece.consumed;
                produced = piece.produced;
                require(produced <= capacity && produced <= taken, "no more comes out than went in");
                outcome.body.append(output, produced);
            }
            require(taken <= end - outcome.taken, "no more is taken than was offered");
            outcome.taken += taken;
            if (codec.headComplete() && !headSeen) {
                headSeen = true;
                outcome.status = codec.head().status;
                outcome.fields = codec.head().reason + "\r\n";
                outcome.keepAlive = codec.keepAlive();
                require(outcome.status >= 200 && outcome.status <= 999, "a final status is 200 to 999");
                require(outcome.fields.find_first_of(std::string_view("\r\n\0", 3)) == outcome.fields.size() - 2,
                        "a reason holds no CR, LF or NUL");
                write(outcome.fields, codec.head().headers);
                continue;
            }
            if (taken > 0 || codec.complete()) continue;
            if (end == bytes.size()) {
                codec.end();
                require(codec.complete(), "an orderly end completes the message or is an error");
                break;
            }
            end += arriving.next(bytes.size() - end);
        }
        require(codec.remaining() == 0U, "nothing remains of a complete message");
        write(outcome.trailers, codec.trailers());
    } catch (const Error& error) {
        require(!codec.complete(), "no message is complete and refused");
        outcome.error = error.what();
    }
    return outcome;
}

/// What was accepted can be said again in the plainest way, and then means the same.
void sayAgain(const Outcome& outcome)
{
    std::string_view fields = outcome.fields;
    std::string bytes = "HTTP/1.1 " + std::to_string(outcome.status) + " " + std::string(takePiece(fields, '\n')) + "\n";
    while (!fields.empty()) {
        const std::string_view line = takePiece(fields, '\n');
        const std::string_view name = line.substr(0, line.find(':'));
        const bool framing = equalsIgnoreCase(name, "Content-Length") || equalsIgnoreCase(name, "Transfer-Encoding");
        if (!framing) bytes.append(line).append("\n");
    }
    const bool bodiless = outcome.status == 204 || outcome.status == 304;
    if (!bodiless) bytes += "Content-Length: " + std::to_string(outcome.body.size()) + "\r\n";
    bytes += "\r\n" + outcome.body;
    if (bytes.size() - outcome.body.size() > headCap) return;
    const Outcome again = parse(bytes, 0, false);
    require(again.error.empty() && again.status == outcome.status && again.body == outcome.body && again.taken == bytes.size(),
            "a message that is written out means the same");
}

} // namespace

/// One byte for the pieces, one for whether it answers a HEAD, then what the server sends.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2 || size > 4096) return -1;
    const bool answersHead = (data[1] & 1) != 0;
    const std::string_view bytes = textOf(data + 2, size - 2);
    const Outcome whole = parse(bytes, 0, answersHead);
    const Outcome pieces = parse(bytes, static_cast<std::uint8_t>(data[0] | 1), answersHead);
    require(whole == pieces, "the pieces a message comes in do not change what comes of it");
    require(whole.taken <= bytes.size() && whole.body.size() <= bytes.size(), "a body is no larger than the message");
    if (whole.error.empty()) sayAgain(whole);
    return 0;
}
