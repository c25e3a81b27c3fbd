#include "tollgate/Redactor.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace tollgate {

namespace {

constexpr std::string_view mask = "***";

/// In one pass: a server may echo a short key a hundred thousand times.
void replaceAll(std::string& text, std::string_view secret)
{
    auto at = text.find(secret);
    if (at == std::string::npos) return;
    std::string clean;
    clean.reserve(text.size()); // growing would leave copies of other secrets behind
    std::size_t from = 0;
    for (; at != std::string::npos; at = text.find(secret, from)) {
        clean.append(text, from, at - from).append(mask);
        from = at + secret.size();
    }
    clean.append(text, from, std::string::npos);
    OPENSSL_cleanse(text.data(), text.size());
    text = std::move(clean);
}

/// How servers echo a secret: percent-encoded in either case, and with the slashes escaped as some JSON writers do.
std::vector<std::string> encodedForms(std::string_view secret)
{
    std::vector<std::string> forms(3);
    forms[0] = percentEncode(secret);
    forms[1] = forms[0];
    for (std::size_t i = 0; i + 2 < forms[1].size(); ++i)
        if (forms[1][i] == '%')
            for (const std::size_t digit : {i + 1, i + 2})
                if (forms[1][digit] >= 'A') forms[1][digit] = static_cast<char>(forms[1][digit] | 0x20);
    forms[2].reserve(2 * secret.size()); // growing would leave pieces of it behind
    for (const char c : secret) {
        if (c == '/' || c == '"' || c == '\\') forms[2] += '\\';
        forms[2] += c;
    }
    return forms;
}

} // namespace

Redactor::Redactor(const Carriers& carriers, std::vector<Secret> secrets) : _carriers(carriers), _secrets(std::move(secrets))
{
    // Longest first, so that a secret inside another one does not leave the rest of it standing.
    std::sort(_secrets.begin(), _secrets.end(),
              [](const Secret& a, const Secret& b) { return a.expose().size() > b.expose().size(); });
}

std::string Redactor::text(std::string text) const
{
    for (const Secret& secret : _secrets) {
        // A text of three characters stands in every sentence; no real credential is that short.
        if (secret.expose().size() < 4) continue;
        replaceAll(text, secret.expose());
        for (std::string& form : encodedForms(secret.expose())) {
            replaceAll(text, form);
            OPENSSL_cleanse(form.data(), form.size());
        }
    }
    return text;
}

std::string Redactor::url(const Url& url) const
{
    std::string shown = url.origin().text();
    shown += url.path();
    std::string_view rest = url.query();
    char separator = '?';
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        const std::string_view name = pair.substr(0, pair.find('='));
        shown += separator;
        separator = '&';
        const auto& hidden = _carriers.queryParameters;
        if (std::find(hidden.begin(), hidden.end(), name) != hidden.end())
            (shown += name) += "=***";
        else
            shown += pair;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return text(std::move(shown));
}

bool Redactor::hidesHeader(std::string_view name) const noexcept
{
    for (const char* always : {"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"})
        if (equalsIgnoreCase(name, always)) return true;
    return std::any_of(_carriers.headers.begin(), _carriers.headers.end(),
                       [name](const std::string& carrier) { return equalsIgnoreCase(name, carrier); });
}

} // namespace tollgate
