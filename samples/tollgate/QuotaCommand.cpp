// tollgate quota [URL] [ACCOUNT]

#include "Commands.h"
#include "KeptAccount.h"
#include "Quantities.h"
#include "Report.h"
#include "StoreOption.h"

#include "tollgate/Url.h"

#include <CLI/CLI.hpp>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/JSON/Array.h>
#include <Poco/Timestamp.h>
#include <fmt/format.h>

#include <memory>

namespace tollgate::command {

namespace {

struct QuotaArguments
{
    std::string url;
    std::optional<std::string> account;
    std::optional<std::string> store;
    bool reset = false;
    bool json = false;
};

using Object = Poco::JSON::Object::Ptr;

Object newObject() { return new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER); }

double milliseconds(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

const char* nameOf(GateStanding standing)
{
    switch (standing) {
    case GateStanding::Open: return "Open";
    case GateStanding::Suspicious: return "Suspicious";
    case GateStanding::Rejected: return "Rejected";
    case GateStanding::Locked: return "Locked";
    case GateStanding::HalfOpen: break;
    }
    return "HalfOpen";
}

const char* nameOf(CredentialUse::Verdict verdict)
{
    switch (verdict) {
    case CredentialUse::Verdict::Unverified: return "Unverified";
    case CredentialUse::Verdict::Good: return "Good";
    case CredentialUse::Verdict::Bad: break;
    }
    return "Bad";
}

std::string inWords(const KeptAccount& account)
{
    const Quota& quota = account.quota;
    switch (quota.gate) {
    case GateStanding::Open: return "open";
    case GateStanding::Suspicious: return "a 401 came lately: " + quota.cause;
    case GateStanding::Rejected: return "the credential got a 401 and is kept back: " + quota.cause;
    case GateStanding::Locked: return fmt::format("locked for another {}: {}", readable(quota.lockedFor), quota.cause);
    case GateStanding::HalfOpen: break;
    }
    return "the lock may be over: the next request finds out";
}

std::string inWords(const QuotaView& limit)
{
    return fmt::format("{}: {} left, the next {}{}", limit.limit, limit.remaining,
                       limit.nextFree > Duration::zero() ? "in " + readable(limit.nextFree) : "at once",
                       limit.steppedDown ? "; stepped down to even spreading, as the server answered 429" : "");
}

std::string inWords(const KeptAccount& account, const CredentialUse& use)
{
    std::string text = use.lastFour.empty() ? "credential" : "..." + use.lastFour;
    switch (use.verdict) {
    case CredentialUse::Verdict::Unverified: text += ", not verified yet"; break;
    case CredentialUse::Verdict::Good: text += ", good"; break;
    case CredentialUse::Verdict::Bad: {
        const auto next = account.nextTries.find(use.fingerprint);
        text += ", rejected; ";
        text += next == account.nextTries.end() || next->second == Duration::zero()
                    ? "one request may try it"
                    : "not tried before " + readable(next->second);
    }
    }
    return text + fmt::format("; sent {} time{}", use.uses, use.uses == 1 ? "" : "s");
}

std::string textOf(const KeptAccount& account)
{
    std::string text = fmt::format("{}  {}\n  {:<11}{}\n", account.realm, account.principal, "gate", inWords(account));
    for (const QuotaView& limit : account.quota.limits) text += fmt::format("  {:<11}{}\n", "limit", inWords(limit));
    if (account.shutFor > Duration::zero())
        text += fmt::format("  {:<11}nothing goes for another {}, as the server asked\n", "server", readable(account.shutFor));
    for (const CredentialUse& use : account.credentials) text += fmt::format("  {:<11}{}\n", "credential", inWords(account, use));
    return text;
}

Object jsonOf(const QuotaView& limit)
{
    Object object = newObject();
    object->set("limit", limit.limit);
    object->set("capacity", limit.capacity);
    object->set("remaining", limit.remaining);
    object->set("nextFreeMs", milliseconds(limit.nextFree));
    object->set("steppedDown", limit.steppedDown);
    return object;
}

Object jsonOf(const KeptAccount& account, const CredentialUse& use)
{
    Object object = newObject();
    object->set("lastFour", use.lastFour);
    object->set("fingerprint", use.fingerprint);
    object->set("verdict", std::string(nameOf(use.verdict)));
    object->set("uses", use.uses);
    object->set("lastUsed", Poco::Dynamic::Var());
    if (use.lastUsed) {
        const auto since = std::chrono::duration_cast<std::chrono::microseconds>(use.lastUsed->time_since_epoch());
        object->set("lastUsed",
                    Poco::DateTimeFormatter::format(Poco::Timestamp(since.count()), Poco::DateTimeFormat::ISO8601_FORMAT));
    }
    object->set("nextTryMs", Poco::Dynamic::Var());
    if (const auto next = account.nextTries.find(use.fingerprint); next != account.nextTries.end())
        object->set("nextTryMs", milliseconds(next->second));
    return object;
}

Object jsonOf(const KeptAccount& account)
{
    Object object = newObject();
    object->set("realm", account.realm);
    object->set("account", account.principal);
    object->set("gate", std::string(nameOf(account.quota.gate)));
    object->set("lockedForMs", milliseconds(account.quota.lockedFor));
    object->set("cause", account.quota.cause);
    object->set("shutForMs", milliseconds(account.shutFor));
    Poco::JSON::Array::Ptr limits = new Poco::JSON::Array;
    for (const QuotaView& limit : account.quota.limits) limits->add(jsonOf(limit));
    object->set("limits", limits);
    Poco::JSON::Array::Ptr credentials = new Poco::JSON::Array;
    for (const CredentialUse& use : account.credentials) credentials->add(jsonOf(account, use));
    object->set("credentials", credentials);
    return object;
}

/// The accounts that the words on the command line mean.
std::vector<QuotaKey> chosen(const QuotaArguments& arguments, const StoreOption& option)
{
    const std::string realm = arguments.url.empty() ? std::string() : Url(arguments.url).origin().text();
    const auto known = option.accounts();
    if (!known) {
        if (realm.empty())
            throw UsageError("quota: this store cannot list its accounts",
                             "Name one: tollgate quota URL ACCOUNT, such as tollgate quota https://api.example.com "
                             "\"environment variable EXAMPLE_KEY\".");
        return {QuotaKey(realm, arguments.account.value_or("anonymous"))};
    }
    std::vector<QuotaKey> keys;
    for (const QuotaKey& key : *known)
        if ((realm.empty() || key.realm() == realm) && (!arguments.account || key.principal() == *arguments.account))
            keys.push_back(key);
    return keys;
}

std::string jsonOf(const std::vector<KeptAccount>& accounts, const QuotaArguments& arguments, const StoreOption& option)
{
    Poco::JSON::Array::Ptr list = new Poco::JSON::Array;
    for (const KeptAccount& account : accounts) list->add(jsonOf(account));
    Object object = newObject();
    object->set("store", option.place());
    object->set("reset", arguments.reset);
    object->set("accounts", list);
    object->set("error", Poco::Dynamic::Var());
    return jsonLine(object);
}

std::string textOf(const std::vector<KeptAccount>& accounts, const QuotaArguments& arguments, const StoreOption& option)
{
    if (accounts.empty())
        return fmt::format("{} knows no such account; nothing was {}\n", option.place(), arguments.reset ? "reset" : "counted");
    std::string text;
    if (arguments.reset) text = fmt::format("{} account{} reset\n", accounts.size(), accounts.size() == 1 ? "" : "s");
    for (const KeptAccount& account : accounts) text += textOf(account);
    return text;
}

int runQuota(const QuotaArguments& arguments, Control& control)
{
    const StoreOption option(arguments.store);
    option.mustKeep();
    const std::vector<QuotaKey> keys = chosen(arguments, option);
    const QuotaStorePtr store = keys.empty() ? nullptr : option.openToLook(); // there may be no file, and none is to be made
    std::vector<KeptAccount> accounts;
    accounts.reserve(keys.size());
    for (const QuotaKey& key : keys) {
        if (arguments.reset) KeptAccount::reset(store, key);
        accounts.push_back(KeptAccount::read(store, key));
    }
    return control.finish(ExitStatus::Ok,
                          arguments.json ? jsonOf(accounts, arguments, option) : textOf(accounts, arguments, option));
}

} // namespace

void addQuotaCommand(CLI::App& app, Run& run)
{
    auto arguments = std::make_shared<QuotaArguments>();
    auto* command = app.add_subcommand("quota", "Shows what is left of each limit, and locks and rejected credentials");
    command->add_option("URL", arguments->url, "Only accounts of this server");
    command->add_option("ACCOUNT", arguments->account, "Only this account, as the list names it");
    command->add_flag("--reset", arguments->reset,
                      "Forgets locks, rejected credentials, step-downs and declared limits; what was counted stays");
    command->add_option("--store", arguments->store, storeHelp);
    command->add_flag("--json", arguments->json, "Prints one JSON object: store, accounts");
    command->footer(exitStatusTable);
    command->callback([arguments, &run] { run = [arguments](Control& control) { return runQuota(*arguments, control); }; });
}

} // namespace tollgate::command
