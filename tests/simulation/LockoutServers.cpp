#include "simulation/LockoutServers.h"

namespace tollgate::simulation {

namespace {

class GithubLike : public LockoutServer
{
public:
    explicit GithubLike(std::string name) : LockoutServer(std::move(name)) {}

protected:
    static constexpr Nanos duration = 5 * minute;

    void failure(Nanos at) override
    {
        while (!_failures.empty() && _failures.front() <= at - minute) _failures.pop_front();
        _failures.push_back(at);
        if (_failures.size() < 5) return;
        _failures.clear();
        lock(at, duration);
    }

private:
    std::deque<Nanos> _failures;
};

class Extending final : public GithubLike
{
public:
    Extending() : GithubLike("extend") {}

protected:
    int attemptWhileLocked(Nanos at) override
    {
        prolong(at + duration);
        return 403;
    }
};

class VaultLike final : public LockoutServer
{
public:
    VaultLike() : LockoutServer("vault") {}

protected:
    void failure(Nanos at) override
    {
        if (at >= _last + 15 * minute) _count = 0;
        _last = at;
        if (++_count < 5) return;
        _count = 0;
        lock(at, 15 * minute);
    }
    void success() override { _count = 0; }

private:
    Nanos _last = 0;
    unsigned _count = 0;
};

class KeycloakLike final : public LockoutServer
{
public:
    KeycloakLike() : LockoutServer("keycloak") {}

protected:
    void failure(Nanos at) override
    {
        if (at - _last < second) lock(at, minute);
        _last = at;
    }
    int attemptWhileLocked(Nanos /*at*/) override { return 401; }

private:
    Nanos _last = -hour;
};

class EntraLike final : public LockoutServer
{
public:
    EntraLike() : LockoutServer("entra") {}

protected:
    void failure(Nanos at) override
    {
        if (locks() == 0 && ++_count < 10) return;
        lock(at, _next);
        _next *= 2;
    }
    void success() override
    {
        _count = 0;
        _next = minute;
    }

private:
    unsigned _count = 0;
    Nanos _next = minute;
};

} // namespace

LockoutServerPtr githubLike() { return std::make_unique<GithubLike>("github"); }
LockoutServerPtr extending() { return std::make_unique<Extending>(); }
LockoutServerPtr vaultLike() { return std::make_unique<VaultLike>(); }
LockoutServerPtr keycloakLike() { return std::make_unique<KeycloakLike>(); }
LockoutServerPtr entraLike() { return std::make_unique<EntraLike>(); }

} // namespace tollgate::simulation
