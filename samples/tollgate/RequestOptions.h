#pragma once

#include "AuthOption.h"
#include "LimitOption.h"
#include "StoreOption.h"

#include "tollgate/Clock.h"
#include "tollgate/Url.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::command {

/// With --follow as many redirects are followed; one more is an error.
inline constexpr unsigned maxRedirects = 10;

/// The command line of `tollgate request`, as it was typed.
struct RequestArguments
{
    std::string method;
    std::string url;
    std::vector<std::string> headers;
    std::optional<std::string> data;
    std::string auth = "anonymous";
    std::vector<std::string> limits;
    std::optional<std::string> store;
    std::optional<std::string> deadline;
    std::optional<std::string> connectTimeout;
    std::optional<std::string> maxBody;
    unsigned retries = 2;
    std::optional<std::string> proxy;
    std::string caFile;
    bool follow = false;
    bool json = false;
    bool curl = false;
};

/// The same, read and checked; nothing is resolved or opened yet.
struct RequestOptions
{
    std::string method; ///< upper case
    Url url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<std::string> data; ///< text, or "@FILE", or "@-"
    std::string contentType;         ///< of the data
    AuthOption auth;
    LimitOptions limits;
    StoreOption store;
    std::optional<Duration> connectTimeout;
    std::optional<std::uint64_t> maxBody;
    unsigned retries = 2;
    bool follow = false;
    std::string proxy; ///< empty: none
    std::string caFile;

    /// Throws UsageError and InvalidUrl.
    explicit RequestOptions(const RequestArguments& arguments);
};

} // namespace tollgate::command
