#pragma once

#include "ForkMutex.h"
#include "limits/Account.h"
#include "pipeline/Dispatcher.h"
#include "pipeline/Pipeline.h"
#include "tollgate/Client.h"
#include "tollgate/Redactor.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tollgate {

/// What all copies of one client share: the options, and what is derived from them once.
class ClientCore : public std::enable_shared_from_this<ClientCore>
{
public:
    explicit ClientCore(ClientOptions given);
    ~ClientCore();

    Clock& clock() const noexcept { return *options.transport->clock(); }
    /// The client's default fields and the request's own over them.
    /// Without `atHome`, of the defaults only those that say nothing about the account.
    Headers headersFor(const Request& request, bool atHome) const;
    /// What follows from one version of the credential, made once for all calls that use it.
    struct Version
    {
        Redactor redactor; ///< without a credential it hides the carriers only
        std::string key; ///< the name of credential and partition in the store, as the gate knows it; empty without a credential
        std::string lastFour; ///< of the key
        bool final = true;    ///< false: the store could not name it, so this name is the process's own
    };
    /// Asks the store for the name, if it has not said it yet. Never null.
    std::shared_ptr<const Version> versionOf(const CredentialPtr& credential, const Patience& patience) const;
    /// The name of the version that the strategy gives now; empty if it gives none without asking a server first.
    std::string currentVersion() const;
    /// The credential that was in use before this one, if both may be used side by side; else null.
    CredentialPtr versionBefore(const CredentialPtr& credential) const;
    std::shared_ptr<const Redactor> redactorFor(const CredentialPtr& credential) const;
    /// The path that limits see: "/fetch/tags" for "https://host/api/v1/fetch/tags".
    std::string_view pathBelowBase(const Url& url) const noexcept;
    /// A client for what a strategy wants answered first: same transport, no credential, no limits.
    std::shared_ptr<const ClientCore> bare() const;
    pipeline::Dispatcher& dispatcher() const { return _dispatcher->get(); }

    ClientOptions options;
    Url base;
    Identity identity;
    Carriers carriers;
    bool sharesStore = false; ///< the quota store was given by the user: other processes may change it
    std::shared_ptr<limits::Accounts> accounts;
    std::shared_ptr<limits::Account> account;
    std::unique_ptr<const pipeline::Pipeline> pipeline;

    struct Counters
    {
        std::atomic<std::uint64_t> calls{0}, attempts{0}, waits{0}, errors{0}, ignoredHints{0};
        std::atomic<Duration::rep> waited{0};
    };
    mutable Counters counters;

private:
    std::shared_ptr<const Version> makeVersion(const CredentialPtr& credential, const Secret& namingKey) const;
    std::shared_ptr<const Version> knownVersion(const CredentialPtr& credential) const;
    std::shared_ptr<const Version> keepVersion(const CredentialPtr& credential, std::shared_ptr<const Version> made) const;
    std::shared_ptr<pipeline::DispatcherOwner> _dispatcher;
    Headers _defaultHeaders;
    mutable ForkMutex _mutex;
    mutable std::deque<std::pair<CredentialPtr, std::shared_ptr<const Version>>> _versions; ///< newest first, few
    mutable std::shared_ptr<const ClientCore> _bare;
};

/// "12 s", "1.5 s", "90 min": for messages.
std::string secondsText(Duration duration);

/// The outcome with its body taken off the wire, as learn() wants it.
Outcome bufferedOutcome(const Outcome& outcome);

} // namespace tollgate
