#include "pipeline/Auth.h"

#include "ClientCore.h"

#include <openssl/crypto.h>

#include <new>
#include <string_view>

namespace tollgate::pipeline {

namespace {

/// Takes the credential out of the exchange again, whichever way the attempt ends: stages above never see it, and freed memory
/// holds none of it.
class TakeOut
{
public:
    TakeOut(Exchange& exchange, const CallImpl& call) : _exchange(exchange), _call(call) {}
    TakeOut(const TakeOut&) = delete;
    TakeOut& operator=(const TakeOut&) = delete;
    ~TakeOut()
    {
        const Carriers& carriers = _call.core().carriers;
        for (const std::string& name : carriers.headers) {
            for (const auto& [field, value] : _exchange.headers)
                if (equalsIgnoreCase(field, name)) overwrite(value);
            _exchange.headers.remove(name);
        }
        if (carriers.queryParameters.empty()) return;
        overwrite(_exchange.url.query());
        try {
            _exchange.url = _call.url();
        } catch (const std::bad_alloc&) { // it stays overwritten
        }
    }

private:
    static void overwrite(std::string_view text) noexcept { OPENSSL_cleanse(const_cast<char*>(text.data()), text.size()); }
    Exchange& _exchange;
    const CallImpl& _call;
};

} // namespace

Response Auth::run(CallImpl& call, Exchange& exchange, const Next& next) const
{
    const TakeOut takeOut(exchange, call);
    if (call.credential) call.credential->apply(exchange);
    Response response = next(exchange);
    response.redactor(call.core().redactorFor(call.credential));
    return response;
}

} // namespace tollgate::pipeline
