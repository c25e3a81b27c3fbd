#include "transport/ContentDecoder.h"

#include "Support.h"

#include <algorithm>
#include <cstring>
#include <string>

using namespace tollgate;
using namespace tollgate::fuzz;
using tollgate::transport::ContentDecoder;

namespace {

constexpr std::uint64_t cap = 4000;

class Encoded final : public BodySource
{
public:
    Encoded(std::string_view bytes, std::uint8_t seed) : _left(bytes), _pieces(seed) {}

    std::size_t read(char* buffer, std::size_t capacity) override
    {
        const std::size_t count = _pieces.next(std::min(capacity, _left.size()));
        if (count > 0) std::memcpy(buffer, _left.data(), count);
        _left.remove_prefix(count);
        return count;
    }
    bool done() const { return _left.empty(); }

private:
    std::string_view _left;
    Pieces _pieces;
};

struct Outcome
{
    std::string body;
    std::string error;
};

Outcome decode(std::string_view bytes, ContentDecoder::Coding coding, std::uint8_t seed)
{
    Outcome outcome;
    const auto source = std::make_shared<Encoded>(bytes, seed);
    ContentDecoder decoder(source, coding, cap);
    Pieces capacities(static_cast<std::uint8_t>(seed == 0 ? 0 : seed ^ 0x5a));
    char buffer[1024];
    try {
        while (const std::size_t count = decoder.read(buffer, capacities.next(sizeof buffer))) {
            outcome.body.append(buffer, count);
            require(outcome.body.size() <= cap, "no more comes out than the cap allows");
        }
        require(source->done(), "a body that ended well was read to its end");
        require(decoder.read(buffer, sizeof buffer) == 0, "an end stays an end");
    } catch (const Error& error) {
        outcome.error = error.what();
        try {
            decoder.read(buffer, sizeof buffer);
            require(false, "an error stays an error");
        } catch (const Error& again) {
            require(outcome.error == again.what(), "an error stays the same error");
        }
    }
    return outcome;
}

} // namespace

/// One byte for coding and pieces, then the compressed body.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 1 || size > 1024) return -1;
    const auto coding = (data[0] & 1) != 0 ? ContentDecoder::Coding::Gzip : ContentDecoder::Coding::Deflate;
    const std::string_view bytes = textOf(data + 1, size - 1);
    const Outcome whole = decode(bytes, coding, 0);
    const Outcome pieces = decode(bytes, coding, static_cast<std::uint8_t>(data[0] | 1));
    require(whole.error.empty() == pieces.error.empty(), "the pieces a body comes in do not decide whether it is good");
    require(!whole.error.empty() || whole.body == pieces.body, "the pieces a body comes in do not change it");
    return 0;
}
