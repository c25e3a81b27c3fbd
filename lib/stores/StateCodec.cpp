#include "stores/StateCodec.h"

#include "stores/Bytes.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace tollgate::stores {

namespace {

constexpr std::string_view magic = "TGQS";
constexpr std::uint64_t schema = 1;
constexpr std::size_t checksumSize = 4;

template <class Writer>
void put(Writer& out, const std::optional<TimePoint>& time)
{
    out.number(time ? 1 : 0);
    if (time) out.time(*time);
}

std::optional<TimePoint> optionalTime(ByteReader& in)
{
    if (in.number<unsigned>(1) == 0) return std::nullopt;
    return in.time();
}

bool truth(ByteReader& in) { return in.number<unsigned>(1) != 0; }
Duration duration(ByteReader& in) { return Duration(in.difference()); }

void putPolicy(ByteWriter& out, const LockoutPolicy& policy)
{
    out.number(policy.declared);
    for (const Duration one :
         {policy.quiet, policy.maxQuiet, policy.lockFor, policy.maxLock, policy.suspicion, policy.fresh, policy.pause})
        out.difference(one.count());
    out.number(policy.tolerance);
    out.number(policy.strict);
    out.number(policy.inFlight);
    out.number(policy.hidesLock);
    out.number(policy.markers.size());
    for (const std::string& marker : policy.markers) out.text(marker);
}

LockoutPolicy takePolicy(ByteReader& in)
{
    LockoutPolicy policy;
    policy.declared = truth(in);
    for (Duration* one :
         {&policy.quiet, &policy.maxQuiet, &policy.lockFor, &policy.maxLock, &policy.suspicion, &policy.fresh, &policy.pause})
        *one = duration(in);
    policy.tolerance = in.number<unsigned>();
    policy.strict = truth(in);
    policy.inFlight = in.number<unsigned>();
    policy.hidesLock = truth(in);
    for (std::size_t left = in.count(1); left > 0; --left) policy.markers.push_back(in.text());
    return policy;
}

void putVersion(ByteWriter& out, const VersionState& version)
{
    out.number(static_cast<std::uint64_t>(version.verdict));
    out.time(version.nextTry);
    out.number(version.strikes);
    out.number(version.canary);
    out.time(version.canaryLapse);
    put(out, version.lastGood);
    put(out, version.lastUsed);
    out.number(version.uses);
    out.text(version.lastFour);
    out.number(version.goodPaths.size());
    for (const auto& [path, time] : version.goodPaths) {
        out.number(path);
        out.time(time);
    }
}

VersionState takeVersion(ByteReader& in)
{
    VersionState version;
    version.verdict =
        static_cast<VersionState::Verdict>(in.number<unsigned>(static_cast<std::uint64_t>(VersionState::Verdict::Bad)));
    version.nextTry = in.time();
    version.strikes = in.number<unsigned>();
    version.canary = in.number();
    version.canaryLapse = in.time();
    version.lastGood = optionalTime(in);
    version.lastUsed = optionalTime(in);
    version.uses = in.number();
    version.lastFour = in.text();
    for (std::size_t left = in.count(2); left > 0; --left) {
        const auto path = in.number<std::uint32_t>();
        version.goodPaths.emplace_back(path, in.time());
    }
    return version;
}

void putGate(ByteWriter& out, const GateState& gate)
{
    putPolicy(out, gate.policy);
    out.number(gate.versions.size());
    for (const auto& [name, version] : gate.versions) {
        out.text(name);
        putVersion(out, version);
    }
    out.number(gate.inFlight.size());
    for (const GateState::Flight& flight : gate.inFlight) {
        out.number(flight.permit);
        out.time(flight.lapse);
    }
    put(out, gate.lastRejected);
    out.number(gate.rejectedPermit);
    out.number(gate.rejections);
    put(out, gate.lockedUntil);
    out.number(gate.locks);
    out.number(gate.probe);
    out.time(gate.probeLapse);
    out.number(gate.failedProbes);
    out.text(gate.cause);
    put(out, gate.lastForbidden);
    out.number(gate.forbiddenPath);
}

GateState takeGate(ByteReader& in)
{
    GateState gate;
    gate.policy = takePolicy(in);
    for (std::size_t left = in.count(12); left > 0; --left) {
        std::string name = in.text();
        gate.versions.insert_or_assign(gate.versions.end(), std::move(name), takeVersion(in));
    }
    for (std::size_t left = in.count(2); left > 0; --left) {
        GateState::Flight flight;
        flight.permit = in.number();
        flight.lapse = in.time();
        gate.inFlight.push_back(flight);
    }
    gate.lastRejected = optionalTime(in);
    gate.rejectedPermit = in.number();
    gate.rejections = in.number<unsigned>();
    gate.lockedUntil = optionalTime(in);
    gate.locks = in.number<unsigned>();
    gate.probe = in.number();
    gate.probeLapse = in.time();
    gate.failedProbes = in.number<unsigned>();
    gate.cause = in.text();
    gate.lastForbidden = optionalTime(in);
    gate.forbiddenPath = in.number<std::uint32_t>();
    return gate;
}

void putSlots(ByteWriter& out, const std::deque<LimitState::Slot>& slots)
{
    out.number(slots.size());
    PermitId last = 0;
    for (const LimitState::Slot& slot : slots) {
        out.time(slot.release);
        out.difference(static_cast<std::int64_t>(slot.permit - last));
        out.number(slot.weight);
        last = slot.permit;
    }
}

std::deque<LimitState::Slot> takeSlots(ByteReader& in, std::uint64_t& weight)
{
    std::deque<LimitState::Slot> slots;
    PermitId last = 0;
    bool sorted = true;
    weight = 0;
    for (std::size_t left = in.count(3); left > 0; --left) {
        LimitState::Slot slot;
        slot.release = in.time();
        slot.permit = last += static_cast<std::uint64_t>(in.difference());
        slot.weight = in.number<unsigned>();
        sorted = sorted && (slots.empty() || slots.back().release <= slot.release);
        weight += slot.weight;
        slots.push_back(slot);
    }
    // Those who count rely on the order.
    if (!sorted) std::stable_sort(slots.begin(), slots.end(), [](const auto& a, const auto& b) { return a.release < b.release; });
    return slots;
}

void putLimit(ByteWriter& out, const LimitState& limit)
{
    out.number(limit.inFlight.size());
    for (const LimitState::Flight& flight : limit.inFlight) {
        out.number(flight.permit);
        out.number(flight.weight);
        out.time(flight.lapse);
        out.number(flight.spent);
    }
    putSlots(out, limit.cooling);
    putSlots(out, limit.past);
    out.number(limit.spent);
    out.time(limit.shutUntil);
    out.time(limit.paced);
    out.number(limit.capacity);
    out.number(limit.serverCapacity);
    out.number(static_cast<std::uint64_t>(limit.shape));
    out.number(limit.contradicted);
    out.number(limit.serverSilent);
    out.number(limit.allowances.size());
    for (const LimitState::Allowance& allowance : limit.allowances) {
        out.number(allowance.quota);
        out.time(allowance.until);
        out.difference(allowance.left);
    }
}

LimitState takeLimit(ByteReader& in)
{
    LimitState limit;
    for (std::size_t left = in.count(4); left > 0; --left) {
        LimitState::Flight flight;
        flight.permit = in.number();
        flight.weight = in.number<unsigned>();
        flight.lapse = in.time();
        flight.spent = in.number();
        limit.inFlightWeight += flight.weight;
        limit.inFlight.push_back(flight);
    }
    limit.cooling = takeSlots(in, limit.coolingWeight);
    std::uint64_t released = 0;
    limit.past = takeSlots(in, released);
    limit.spent = in.number();
    limit.shutUntil = in.time();
    limit.paced = in.time();
    limit.capacity = in.number<unsigned>();
    limit.serverCapacity = in.number<unsigned>();
    limit.shape = static_cast<Shape>(in.number<unsigned>(static_cast<std::uint64_t>(Shape::Paced)));
    limit.contradicted = truth(in);
    limit.serverSilent = truth(in);
    for (std::size_t left = in.count(3); left > 0; --left) {
        LimitState::Allowance allowance;
        allowance.quota = in.number<std::uint32_t>();
        allowance.until = in.time();
        allowance.left = in.difference();
        limit.allowances.push_back(allowance);
    }
    return limit;
}

void putState(std::string& bytes, const QuotaState& state)
{
    ByteWriter out(bytes);
    out.number(state.lastPermit);
    out.number(state.members.size());
    for (const auto& [name, seen] : state.members) {
        out.text(name);
        out.time(seen);
    }
    putGate(out, state.gate);
    out.number(state.limits.size());
    for (const auto& [id, limit] : state.limits) {
        out.text(id);
        putLimit(out, limit);
    }
}

/// What stands between the checksum and the body.
void putStamp(std::string& bytes, const Stamp& stamp)
{
    ByteWriter out(bytes);
    out.number(stamp.epoch);
    out.time(stamp.at);
    out.difference(std::chrono::duration_cast<Duration>(stamp.wall.time_since_epoch()).count());
    out.text(stamp.domain);
}

std::uint32_t checksum(std::string_view bytes)
{
    return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

} // namespace

std::string encodeBody(const QuotaState& state)
{
    std::size_t slots = 0;
    for (const auto& limit : state.limits) slots += limit.second.cooling.size() + limit.second.past.size();
    std::string bytes;
    bytes.reserve(512 + 12 * slots);
    putState(bytes, state);
    return bytes;
}

QuotaState decodeBody(std::string_view body)
{
    ByteReader in(body);
    QuotaState state;
    state.lastPermit = in.number();
    for (std::size_t left = in.count(2); left > 0; --left) {
        std::string name = in.text();
        state.members.insert_or_assign(state.members.end(), std::move(name), in.time());
    }
    state.gate = takeGate(in);
    for (std::size_t left = in.count(14); left > 0; --left) {
        std::string id = in.text();
        state.limits.insert_or_assign(state.limits.end(), std::move(id), takeLimit(in));
    }
    if (!in.atEnd()) throw SpoiledDocument("something stands behind its end");
    return state;
}

std::string encodeDocument(const Stamp& stamp, std::string_view body)
{
    std::string bytes;
    bytes.reserve(magic.size() + 64 + stamp.domain.size() + body.size());
    bytes.append(magic);
    ByteWriter(bytes).number(schema);
    const std::size_t checksumAt = bytes.size();
    bytes.append(checksumSize, '\0');
    putStamp(bytes, stamp);
    bytes.append(body);
    const std::uint32_t sum = checksum(std::string_view(bytes).substr(checksumAt + checksumSize));
    for (std::size_t i = 0; i < checksumSize; ++i) bytes[checksumAt + i] = static_cast<char>((sum >> (8 * i)) & 0xff);
    return bytes;
}

OpenedDocument openDocument(std::string_view bytes)
{
    if (bytes.substr(0, magic.size()) != magic) throw SpoiledDocument("it does not begin as a document does");
    ByteReader head(bytes.substr(magic.size()));
    const std::uint64_t written = head.number();
    if (written == 0) throw SpoiledDocument("it does not begin as a document does");
    if (written > schema) throw NewerDocument("it was written by a newer version of this library");
    const std::string_view guarded = head.rest();
    if (guarded.size() < checksumSize) throw SpoiledDocument("it ends too early");
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < checksumSize; ++i)
        sum |= static_cast<std::uint32_t>(static_cast<unsigned char>(guarded[i])) << (8 * i);
    if (checksum(guarded.substr(checksumSize)) != sum) throw SpoiledDocument("its checksum is wrong");

    ByteReader in(guarded.substr(checksumSize));
    OpenedDocument document;
    document.stamp.epoch = in.number();
    document.stamp.at = in.time();
    document.stamp.wall = WallTime(std::chrono::duration_cast<WallTime::duration>(Duration(in.difference())));
    document.stamp.domain = in.text();
    document.body = in.rest();
    return document;
}

} // namespace tollgate::stores
