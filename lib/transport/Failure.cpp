#include "transport/Failure.h"

#include <system_error>

namespace tollgate::transport {

std::string systemErrorText(int error) { return std::generic_category().message(error); }

ErrorPtr annotated(const Error& error, const Origin& origin, Delivery delivery, bool staleConnection)
{
    ErrorDetails details = error.details();
    details.message = origin.text() + ": " + details.message;
    details.delivery = delivery;
    details.staleConnection = staleConnection;
    return error.with(std::move(details));
}

} // namespace tollgate::transport
