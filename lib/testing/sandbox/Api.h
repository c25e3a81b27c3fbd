#pragma once

#include "HttpMessage.h"

#include <string_view>

namespace tollgate::testing::sandbox {

/// One of the APIs that the sandbox plays: from a request to an answer. Calls are made under one mutex.
class Api
{
public:
    virtual ~Api() = default;
    /// What precedes every path, such as "/v1"; may be empty.
    virtual std::string_view basePath() const noexcept = 0;
    /// `path` is the request's path below the base path.
    virtual HttpResponse handle(const HttpRequest& request, std::string_view path) = 0;
    /// A request outside the base path.
    virtual HttpResponse unknownPath() const = 0;
};

} // namespace tollgate::testing::sandbox
