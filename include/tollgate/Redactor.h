#pragma once

#include "tollgate/AuthStrategy.h"
#include "tollgate/Url.h"

#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

/// Takes secrets out of texts that people will read: by what the strategy declares as carriers, and by the very values of one
/// credential, raw or percent-encoded. Immutable, thread-safe.
class TOLLGATE_API Redactor
{
public:
    Redactor(const Carriers& carriers, std::vector<Secret> secrets);

    /// Every occurrence of a secret becomes "***".
    std::string text(std::string text) const;
    /// The URL with the carriers' query values as "***".
    std::string url(const Url& url) const;
    /// Whether a field of that name is never shown: the carriers, and Authorization, Proxy-Authorization, Cookie and Set-Cookie.
    bool hidesHeader(std::string_view name) const noexcept;

private:
    Carriers _carriers;
    std::vector<Secret> _secrets;
};

} // namespace tollgate
