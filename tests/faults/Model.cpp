#include "Case.h"

namespace tollgate::faults {

namespace {

Expectation success(std::string body)
{
    Expectation expectation;
    expectation.body = std::move(body);
    return expectation;
}

Expectation failure(std::set<std::string> errors, std::set<Delivery> deliveries)
{
    Expectation expectation;
    expectation.errors = std::move(errors);
    expectation.deliveries = std::move(deliveries);
    expectation.waits = expectation.errors.count("Timeout") > 0;
    return expectation;
}

bool neverEnds(Fault fault) { return fault == Fault::Stall || fault == Fault::Drip; }

} // namespace

//  what the client has                | reset, cut      | orderly end     | stall, drip   | garbage
//  -----------------------------------+-----------------+-----------------+---------------+-----------------------------------
//  no TLS yet                         | TlsError        | TlsError        | Timeout       | TlsError             all NotSent
//  less than the head                 | ConnectionLost  | ConnectionLost  | Timeout       | ProtocolError        MaybeProcessed
//  the head, less than length, chunks | ConnectionLost  | ConnectionLost  | Timeout       | ProtocolError        Answered
//  the head, body until close         | ConnectionLost  | success         | Timeout       |                      Answered
//  all                                | success in any case
//  an idle connection                 | success: it is noticed before use
//
// An orderly end is a FIN over TCP and a close_notify over TLS, where a FIN alone is a cut; garbage over TLS is a broken
// connection.
Expectation expect(const Case& each)
{
    if (each.place == Place::Idle) return success(bodyText());
    if (each.inHandshake()) {
        if (neverEnds(each.fault)) return failure({"Timeout"}, {Delivery::NotSent});
        // Who is quick enough with a reset has refused the connection.
        return failure({"TlsError", "ConnectionLost", each.place == Place::HelloUnread ? "ConnectError" : "TlsError"},
                       {Delivery::NotSent});
    }
    if (each.reached == Reached::End || each.fault == Fault::Deaf) return success(bodyText());

    std::set<Delivery> deliveries{each.reached == Reached::Body ? Delivery::Answered : Delivery::MaybeProcessed};
    if (neverEnds(each.fault)) return failure({"Timeout"}, deliveries);
    if (each.fault == Fault::Garbage && !each.tls) return failure({"ProtocolError"}, deliveries);

    const bool inOrder = each.tls ? each.fault == Fault::Notify : each.fault == Fault::Close || each.fault == Fault::HalfClose;
    if (each.framing == Framing::UntilClose && each.reached == Reached::Body && inOrder) {
        const std::size_t head = answerOf(Framing::UntilClose).size() - bodyText().size();
        return success(bodyText().substr(0, each.sent - head));
    }
    Expectation lost = failure({"ConnectionLost"}, deliveries);
    lost.stale = each.reused && each.reached == Reached::Nothing;
    if (each.place == Place::Accept) // our first byte may find the door shut already, or the reset comes with the connection
    {
        lost.deliveries.insert(Delivery::NotSent);
        if (each.fault == Fault::Reset && !each.tls) lost.errors.insert("ConnectError");
    }
    return lost;
}

} // namespace tollgate::faults
