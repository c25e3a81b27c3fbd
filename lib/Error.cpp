#include "tollgate/Error.h"

#include "tollgate/Response.h"

#include <utility>

namespace tollgate {

namespace {

std::string sentence(const ErrorDetails& details)
{
    std::string text = details.message;
    const auto append = [&text](const std::string& more) {
        if (more.empty()) return;
        if (!text.empty()) text += text.back() == '.' ? " " : ". ";
        text += more;
    };
    append(details.hint);
    append(details.support);
    return text;
}

} // namespace

struct Error::Content
{
    ErrorDetails details;
    std::string text; ///< for what()
};

Error::Error(ErrorDetails details) : Poco::Exception(sentence(details))
{
    auto content = std::make_shared<Content>();
    content->text = message();
    content->details = std::move(details);
    _content = std::move(content);
}

Error::Error(const std::string& text, const std::string& hint)
    : Error([&] {
        ErrorDetails details;
        details.message = text;
        details.hint = hint;
        return details;
    }())
{}

Error::~Error() noexcept = default;

const char* Error::what() const noexcept { return _content->text.c_str(); }

int Error::status() const noexcept
{
    if (const auto* answer = response()) return answer->status();
    return attempts().empty() ? 0 : attempts().back().status;
}

const ErrorDetails& Error::details() const noexcept { return _content->details; }

ErrorPtr Error::with(ErrorDetails details) const { return std::make_shared<Error>(std::move(details)); }

} // namespace tollgate
