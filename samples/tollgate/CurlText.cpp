#include "CurlText.h"

#include "tollgate/Headers.h"
#include "tollgate/Version.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tollgate::command {

namespace {

// One word of a shell: nothing in single quotes has a meaning but the quote itself.
std::string quoted(std::string_view text)
{
    std::string word = "'";
    for (const char c : text)
        if (c == '\'')
            word += "'\\''";
        else
            word += c;
    return word += '\'';
}

// For use between double quotes.
std::string placeHolder(const SecretPlace& place, const char* typed)
{
    switch (place.kind) {
    case SecretPlace::Kind::Environment: return '$' + place.name;
    case SecretPlace::Kind::File: return "$(cat " + quoted(place.name) + ")";
    case SecretPlace::Kind::Prompt: break;
    }
    return std::string("$") + typed;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

} // namespace

std::string curlText(const RequestOptions& options, std::optional<Duration> deadline)
{
    std::string line = "curl -sS";
    // With -L, -X would force its method on all hops: it stands there only where curl would not choose it by itself.
    const bool implied = options.follow && options.method == (options.data ? "POST" : "GET");
    if (options.method == "HEAD")
        line += " -I";
    else if (!implied)
        line += " -X " + quoted(options.method);

    std::string url = quoted(options.url.text());
    const auto& places = options.auth.places;
    switch (options.auth.scheme) {
    case AuthOption::Scheme::Anonymous: break;
    case AuthOption::Scheme::Bearer:
        line += fmt::format(" -H \"Authorization: Bearer {}\"", placeHolder(places[0], "TOKEN"));
        break;
    case AuthOption::Scheme::BasicSite:
        url = quoted(options.url.text() + (options.url.query().empty() ? "?site_uuid=" : "&site_uuid=")) + '"' +
              placeHolder(places[2], "SITE_UUID") + '"';
        [[fallthrough]];
    case AuthOption::Scheme::Basic:
        line += fmt::format(" -u \"{}:{}\"", placeHolder(places[0], "USER_NAME"), placeHolder(places[1], "PASSWORD"));
        break;
    }

    const bool ownAgent = std::any_of(options.headers.begin(), options.headers.end(),
                                      [](const auto& header) { return equalsIgnoreCase(header.first, "User-Agent"); });
    if (!ownAgent) line += " -H " + quoted(std::string("User-Agent: tollgate/") + version());
    for (const auto& [name, value] : options.headers)
        line +=
            " -H " + quoted(value.empty() ? name + ';' : fmt::format("{}: {}", name, value)); // "Name;" is curl's empty header
    if (options.data) {
        line += " -H " + quoted("Content-Type: " + options.contentType);
        line += (options.data->substr(0, 1) == "@" ? " --data-binary " : " --data-raw ") + quoted(*options.data);
    }
    if (deadline) line += fmt::format(" --max-time {}", seconds(*deadline));
    if (options.connectTimeout) line += fmt::format(" --connect-timeout {}", seconds(*options.connectTimeout));
    if (options.retries > 0) line += fmt::format(" --retry {}", options.retries);
    if (options.follow) line += fmt::format(" -L --max-redirs {}", maxRedirects);
    if (!options.proxy.empty()) line += " --proxy " + quoted(options.proxy);
    if (!options.caFile.empty()) line += " --cacert " + quoted(options.caFile);
    if (options.maxBody) line += fmt::format(" --max-filesize {}", *options.maxBody);
    return line + ' ' + url;
}

} // namespace tollgate::command
