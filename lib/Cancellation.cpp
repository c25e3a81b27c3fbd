#include "tollgate/Cancellation.h"

#include "ForkMutex.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tollgate {

namespace detail {

struct CancellationState
{
    std::atomic<bool> cancelled{false};
    ForkMutex mutex;
    std::unique_ptr<std::condition_variable_any> finished = std::make_unique<std::condition_variable_any>();
    struct Callback
    {
        std::uint64_t id;
        std::function<void()> run;
        bool link; ///< to a token that stands for several
    };
    std::vector<Callback> callbacks;
    std::vector<Callback> callbacksOfParent; ///< in a forked child: never to run
    std::uint64_t lastId = 0;
    std::uint64_t running = 0; ///< id of the callback that runs now
    std::thread::id runner;
    unsigned generation = forkGeneration;
    std::vector<CancellationRegistration> parents; ///< of a token that stands for several

    /// In a forked child: callbacks wake threads of the parent, through descriptors that it shares with us. Links touch memory
    /// alone, which is ours.
    void comeFromFork()
    {
        if (generation == forkGeneration) return;
        generation = forkGeneration;
        const auto ours =
            std::stable_partition(callbacks.begin(), callbacks.end(), [](const Callback& each) { return each.link; });
        std::move(ours, callbacks.end(), std::back_inserter(callbacksOfParent));
        callbacks.erase(ours, callbacks.end());
        running = 0;
        runner = {};
        static_cast<void>(finished.release()); // its end would wait for the parent's threads
        finished = std::make_unique<std::condition_variable_any>();
    }

    static void cancel(const std::shared_ptr<CancellationState>& state);
    /// False if the callback is not kept, because all is cancelled already.
    bool keep(std::function<void()>& callback, bool link, std::uint64_t& id);
};

bool CancellationState::keep(std::function<void()>& callback, bool link, std::uint64_t& id)
{
    const std::lock_guard<ForkMutex> lock(mutex);
    comeFromFork();
    if (cancelled.load(std::memory_order_relaxed)) return false;
    callbacks.push_back({id = ++lastId, std::move(callback), link});
    return true;
}

void CancellationState::cancel(const std::shared_ptr<CancellationState>& state)
{
    std::unique_lock<ForkMutex> lock(state->mutex);
    state->comeFromFork();
    if (state->cancelled.exchange(true, std::memory_order_acq_rel)) return;
    state->runner = std::this_thread::get_id();
    while (!state->callbacks.empty()) {
        auto entry = std::move(state->callbacks.back());
        state->callbacks.pop_back();
        state->running = entry.id;
        lock.unlock();
        entry.run();
        entry.run = nullptr;
        lock.lock();
        state->running = 0;
        state->finished->notify_all();
    }
    state->runner = {};
}

} // namespace detail

CancellationRegistration::CancellationRegistration(CancellationRegistration&& other) noexcept
    : _state(std::move(other._state))
    , _id(std::exchange(other._id, 0))
{}

CancellationRegistration& CancellationRegistration::operator=(CancellationRegistration&& other) noexcept
{
    std::swap(_state, other._state);
    std::swap(_id, other._id);
    return *this;
}

CancellationRegistration::~CancellationRegistration()
{
    if (!_state) return;
    std::unique_lock<ForkMutex> lock(_state->mutex);
    _state->comeFromFork();
    auto& callbacks = _state->callbacks;
    const auto mine = std::find_if(callbacks.begin(), callbacks.end(), [this](const auto& entry) { return entry.id == _id; });
    if (mine != callbacks.end()) {
        const auto gone = std::move(mine->run);
        callbacks.erase(mine);
        lock.unlock(); // what the callback holds may hold another registration
        return;
    }
    // A callback may take back its own registration: waiting for itself would never end.
    if (_state->runner == std::this_thread::get_id()) return;
    _state->finished->wait(lock, [this] { return _state->running != _id; });
}

bool CancellationToken::isCancelled() const noexcept { return _state && _state->cancelled.load(std::memory_order_acquire); }

CancellationRegistration CancellationToken::onCancel(std::function<void()> callback) const
{
    return on(std::move(callback), false);
}

CancellationRegistration CancellationToken::on(std::function<void()> callback, bool link) const
{
    CancellationRegistration registration;
    if (!_state) return registration;
    if (_state->keep(callback, link, registration._id))
        registration._state = _state;
    else
        callback();
    return registration;
}

CancellationToken CancellationToken::either(const CancellationToken& one, const CancellationToken& other)
{
    if (!one.canBeCancelled() || one._state == other._state) return other;
    if (!other.canBeCancelled()) return one;
    CancellationToken both;
    both._state = std::make_shared<detail::CancellationState>();
    for (const CancellationToken* each : {&one, &other})
        both._state->parents.push_back(each->on(
            [weak = std::weak_ptr(both._state)] {
                if (const auto state = weak.lock()) detail::CancellationState::cancel(state);
            },
            true));
    return both;
}

CancellationSource::CancellationSource() { _token._state = std::make_shared<detail::CancellationState>(); }

CancellationToken CancellationSource::token() const noexcept { return _token; }

void CancellationSource::cancel()
{
    const auto state = _token._state; // a callback may destroy this source
    detail::CancellationState::cancel(state);
}

} // namespace tollgate
