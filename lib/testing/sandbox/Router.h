#pragma once

#include "HttpMessage.h"

#include <Poco/JSON/Object.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::testing::sandbox {

/// A request on its way to its handler.
struct Call
{
    const HttpRequest& request;
    std::string_view path;             ///< below the API's base path
    std::vector<std::string> captured; ///< what the route's "*" segments stood for, decoded
    Poco::JSON::Object::Ptr body;      ///< the JSON body, once an API has parsed it
};

/// Finds the handler for a method and path. "*" in a pattern stands for one segment. Paths match exactly, final slash included.
class Router
{
public:
    using Handler = std::function<HttpResponse(const Call&)>;

    void add(std::string_view method, std::string_view pattern, Handler handler);

    struct Match
    {
        const Handler* handler = nullptr;
        std::string allow; ///< without a handler: the methods that the path knows; empty if it knows none
    };
    /// Fills in `call.captured`. HEAD is answered as GET.
    Match find(Call& call) const;

private:
    struct Route
    {
        std::string method;
        std::vector<std::string> segments;
        Handler handler;
    };
    std::vector<Route> _routes;
};

} // namespace tollgate::testing::sandbox
