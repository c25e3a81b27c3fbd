#include "Probe.h"

#include "Failure.h"
#include "Quantities.h"

#include "tollgate/Json.h"

#include <fmt/format.h>

#include <algorithm>

namespace tollgate::command {

namespace {

constexpr auto patience = std::chrono::seconds(20);

template <class Leaf>
bool is(const Error& error)
{
    return dynamic_cast<const Leaf*>(&error) != nullptr;
}

// How far a request comes, in the order it goes.
enum Station
{
    Certificates,
    Name,
    Connect,
    Tls,
    Answer
};

const char* checkOf(Station station)
{
    switch (station) {
    case Certificates: return "certificates";
    case Name: return "name";
    case Connect: return "connect";
    case Tls: return "tls";
    case Answer: break;
    }
    return "answer";
}

Station stationOf(const Error& error)
{
    if (is<NameResolutionError>(error)) return Name;
    if (is<ConnectError>(error)) return Connect;
    if (is<TlsError>(error)) return Tls;
    if (is<ConfigurationError>(error)) return Certificates;
    if (is<Timeout>(error) && error.delivery() == Delivery::NotSent) return Connect;
    return Answer;
}

std::string whyOf(const ProviderSetup& setup, const Error& error)
{
    if (is<LockedOut>(error))
        return "After several bad credentials the account rejects every attempt for a while, good ones included. Nothing more is "
               "sent.";
    if (is<Blocked>(error))
        return "Something in front of the API stopped the request, mostly for its User-Agent: an HTML page or the word BLOCKED "
               "came back "
               "instead of JSON.";
    if (is<UnexpectedContent>(error))
        return "The address answers, but not as this API does: another server, or a proxy in between.";
    if (is<RateLimited>(error)) return "The limit of the account is used up, perhaps by another program with the same key.";
    if (is<CredentialRejected>(error)) return setup.unauthorized;
    if (is<PermissionDenied>(error)) return setup.forbidden;
    if (is<NotFound>(error)) return "The server does not know this path: the base URL leads to the wrong place.";
    if (is<ServerError>(error)) return "The fault is on the provider's side.";
    if (is<TlsError>(error))
        return "The server could not prove who it is: a private authority, a wrong host name, a wrong clock, or somebody in "
               "between.";
    if (is<NameResolutionError>(error))
        return "The host name has no address: a typing mistake, or no name server can be reached.";
    if (is<ConnectError>(error)) return "Nobody listens there, or a firewall stands in between.";
    if (is<Timeout>(error)) return "No answer came in time: the network, a firewall, or the provider is slow.";
    if (is<ConfigurationError>(error)) return "Without trusted certificates no https server can be told from an impostor.";
    return "The answer did not come through whole.";
}

// The places a request passed on its way, up to the one that failed.
void reportWay(DoctorFindings& findings, const ProviderSetup& setup, bool tls, Station end, const Attempt& attempt)
{
    const auto passed = [&](Station station, std::string seen) {
        if (station < end) findings.push_back({setup.name, checkOf(station), true, std::move(seen), {}, {}, {}});
    };
    if (tls) passed(Certificates, "a bundle of trusted authorities was found");
    passed(Name, attempt.address.empty() ? "resolved" : fmt::format("resolved to {}", attempt.address));
    passed(Connect, fmt::format("connected in {}", readable(attempt.connect)));
    if (tls) passed(Tls, fmt::format("the certificate is good; {}", readable(attempt.tls)));
}

/// What a server says, fit for a terminal.
std::string plain(const Response& response, std::string_view said)
{
    std::string text = response.redacted(std::string(said));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char each) { return each < ' ' || each > '~'; }, '?');
    return text;
}

std::string amount(const Response& response)
{
    std::string seen =
        fmt::format("{} {}, {} bytes", response.status(), plain(response, response.head().reason), response.body().size());
    if (const auto left = response.headers().get("X-RateLimit-Remaining"))
        seen += fmt::format(", {} requests left", plain(response, *left));
    return seen;
}

} // namespace

DoctorFindings probe(const ProviderSetup& setup, const std::string& userAgent, const TransportPtr& transport,
                     const QuotaStorePtr& store, const CancellationToken& token)
{
    DoctorFindings findings;
    ProviderOptions options;
    options.userAgent = userAgent;
    options.transport = transport;
    options.quotaStore = store;
    options.retry.attempts = 1;
    options.timeout = patience;
    for (const SetupVariable& variable : setup.variables)
        if (variable.role == Role::BaseUrl) options.baseUrl = variableValue(variable.name).value_or("");

    bool wayTold = false;
    for (const std::string& path : setup.probes) {
        bool tls = options.baseUrl.empty();
        try {
            const Client client = setup.client(options);
            tls = client.baseUrl().origin().isTls();
            const Response response = client.get(path).cancellation(token).send();
            if (path != "/coolness") response.json(); // that one is text; all others are JSON, or something else answers
            if (!wayTold)
                reportWay(findings, setup, tls, Answer, response.attempts().empty() ? Attempt{} : response.attempts().back());
            findings.push_back({setup.name, "answer", true, fmt::format("GET {}: {}", path, amount(response)), {}, {}, {}});
            wayTold = true;
        } catch (const Cancelled&) {
            throw;
        } catch (const Error& error) {
            const bool more = &path != &setup.probes.back();
            if (is<NotFound>(error) && more) continue; // Bando shows /coolness in a sample, but promises it nowhere
            const Station station = stationOf(error);
            if (!wayTold)
                reportWay(findings, setup, tls, station, error.attempts().empty() ? Attempt{} : error.attempts().back());
            std::string fix = error.hint().empty() ? setup.where : Failure(error).hint();
            findings.push_back({setup.name, checkOf(station), false, fmt::format("GET {}: {}", path, error.details().message),
                                whyOf(setup, error), std::move(fix), error.support().empty() ? setup.support : error.support()});
            break; // what comes after would fail as well, and a second bad attempt would bring a lockout nearer
        }
    }
    return findings;
}

} // namespace tollgate::command
