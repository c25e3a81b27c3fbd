#pragma once

#include "tollgate/Attempt.h"

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace tollgate::faults {

/// What the server does instead of what it should.
enum class Fault
{
    Reset,     ///< RST
    Close,     ///< closes the connection; over TLS without close_notify, which is a cut
    Notify,    ///< over TLS: closes it in order
    HalfClose, ///< shuts its writing side and goes on reading
    Deaf,      ///< shuts its reading side, and does the rest of its duty
    Stall,     ///< says nothing more
    Drip,      ///< goes on with one byte each 40 ms; in an upload: reads that slowly
    Garbage    ///< bytes that mean nothing; over TLS below TLS
};

/// Where it does so.
enum class Place
{
    HelloUnread, ///< TCP is there, the ClientHello is not read
    Hello,       ///< the ClientHello is read
    ServerHello, ///< in the middle of the ServerHello
    Flight,      ///< in the middle of what follows it
    Finish,      ///< all is sent but the server's Finished (TLS 1.2)
    Accept,      ///< the connection is there, the request is not read
    Upload,      ///< in the middle of the request's body
    Answer,      ///< after so many bytes of the answer
    Idle         ///< after one exchange, before the next
};

/// How the end of the answer's body is told.
enum class Framing
{
    Length,
    Chunked,
    UntilClose
};

enum class Ask
{
    Get,
    Post,    ///< a small body
    Upload,  ///< one that no socket buffer holds
    Streamed ///< the same, of unknown length: chunked
};

/// How far the client has got with the answer when the fault comes.
enum class Reached
{
    Nothing,
    Head, ///< some of it
    Body, ///< the head is complete
    End   ///< all of it is complete
};

/// What must come of it.
struct Expectation
{
    std::set<std::string> errors;  ///< names of the errors allowed; empty: success
    std::set<Delivery> deliveries; ///< what may be said then
    std::string body;              ///< of a success
    bool stale = false;            ///< a reused connection that died without a word
    bool waits = false;            ///< it ends at the deadline
};

struct Case
{
    std::string name; ///< "https, reused, chunked, GET, reset in chunk data"
    bool tls = false;
    bool reused = false;
    Framing framing = Framing::Length;
    Ask ask = Ask::Get;
    Place place = Place::Answer;
    Fault fault = Fault::Reset;
    std::size_t sent = 0; ///< bytes of the answer before the fault
    Reached reached = Reached::Nothing;

    /// Whether the fault is in the TLS handshake.
    bool inHandshake() const { return place <= Place::Finish; }
};

constexpr std::chrono::milliseconds dripInterval{40};
constexpr std::chrono::milliseconds shortDeadline{300}; ///< of calls that wait for ever

/// The sound answer whose delivery is faulted.
std::string answerOf(Framing framing);
/// Its body.
const std::string& bodyText();

/// Every combination that makes sense, each with a name of its own.
std::vector<Case> allCases();

/// What must come of a case, by the rules of TCP, TLS and HTTP: see the table there.
Expectation expect(const Case& each);

} // namespace tollgate::faults
