#include "tollgate/Body.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tollgate {

namespace {

class TextBody final : public RequestBody
{
public:
    explicit TextBody(std::string text) : _text(std::move(text)) {}

    std::optional<std::uint64_t> length() const override { return _text.size(); }
    bool replayable() const override { return true; }
    void rewind() override { _read = 0; }
    std::optional<std::string_view> view() const override { return _text; }

    std::size_t read(char* buffer, std::size_t capacity) override
    {
        const std::size_t count = std::min(capacity, _text.size() - _read);
        std::memcpy(buffer, _text.data() + _read, count);
        _read += count;
        return count;
    }

private:
    std::string _text;
    std::size_t _read = 0;
};

} // namespace

RequestBodyPtr textBody(std::string text) { return std::make_shared<TextBody>(std::move(text)); }

void BodySource::readAll(std::string& to)
{
    char piece[16 * 1024];
    while (const std::size_t count = read(piece, sizeof piece)) to.append(piece, count);
}

const Headers& BodySource::trailers() const
{
    static const Headers none;
    return none;
}

} // namespace tollgate
