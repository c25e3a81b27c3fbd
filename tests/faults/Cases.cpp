#include "Case.h"

#include <algorithm>

namespace tollgate::faults {

namespace {

/// A piece of the answer; faults come inside of it and behind it.
struct Part
{
    std::string name;
    std::string text;
    Reached inside;
    Reached behind;
};

std::vector<Part> partsOf(Framing framing)
{
    const std::string& body = bodyText();
    std::vector<Part> parts = {{"the status line", "HTTP/1.1 200 OK\r\n", Reached::Head, Reached::Head},
                               {"the first field", "X-Answer: of the matrix\r\n", Reached::Head, Reached::Head}};
    switch (framing) {
    case Framing::Length:
        parts.push_back({"the framing field", "Content-Length: 60\r\n", Reached::Head, Reached::Head});
        parts.push_back({"the head's end", "\r\n", Reached::Head, Reached::Body});
        parts.push_back({"the first body byte", body.substr(0, 1), Reached::Body, Reached::Body});
        parts.push_back({"the body", body.substr(1, 58), Reached::Body, Reached::Body});
        parts.push_back({"the last body byte", body.substr(59), Reached::Body, Reached::End});
        break;
    case Framing::Chunked:
        parts.push_back({"the framing field", "Transfer-Encoding: chunked\r\n", Reached::Head, Reached::Head});
        parts.push_back({"the head's end", "\r\n", Reached::Head, Reached::Body});
        parts.push_back({"the chunk size", "1e\r\n", Reached::Body, Reached::Body});
        parts.push_back({"the chunk data", body.substr(0, 30), Reached::Body, Reached::Body});
        parts.push_back({"the chunk's end", "\r\n", Reached::Body, Reached::Body});
        parts.push_back({"the second chunk", "1e\r\n" + body.substr(30) + "\r\n", Reached::Body, Reached::Body});
        parts.push_back({"the last chunk", "0\r\n", Reached::Body, Reached::Body});
        parts.push_back({"the trailers", "X-Checksum: 0123456789abcdef\r\n", Reached::Body, Reached::Body});
        parts.push_back({"the trailers' end", "\r\n", Reached::Body, Reached::End});
        break;
    case Framing::UntilClose:
        parts.push_back({"the framing field", "Connection: close\r\n", Reached::Head, Reached::Head});
        parts.push_back({"the head's end", "\r\n", Reached::Head, Reached::Body});
        parts.push_back({"the first body byte", body.substr(0, 1), Reached::Body, Reached::Body});
        parts.push_back({"the body", body.substr(1), Reached::Body, Reached::Body}); // who knows whether it is whole
        break;
    }
    return parts;
}

struct Cut
{
    std::string where;
    std::size_t sent;
    Reached reached;
};

std::vector<Cut> cutsOf(Framing framing)
{
    std::vector<Cut> cuts = {{"before the answer", 0, Reached::Nothing}};
    std::size_t at = 0;
    for (const Part& part : partsOf(framing)) {
        if (part.text.size() > 1) cuts.push_back({"in " + part.name, at + part.text.size() / 2, part.inside});
        at += part.text.size();
        cuts.push_back({"after " + part.name, at, part.behind});
    }
    return cuts;
}

const char* nameOf(Fault fault)
{
    switch (fault) {
    case Fault::Reset: return "reset";
    case Fault::Close: return "close";
    case Fault::Notify: return "close_notify";
    case Fault::HalfClose: return "half-close";
    case Fault::Deaf: return "half-close of the reading side";
    case Fault::Stall: return "stall";
    case Fault::Drip: return "drip";
    case Fault::Garbage: return "garbage";
    }
    return "";
}

const char* nameOf(Framing framing)
{
    return framing == Framing::Length ? "length" : framing == Framing::Chunked ? "chunked" : "until close";
}

const char* nameOf(Ask ask)
{
    switch (ask) {
    case Ask::Get: return "GET";
    case Ask::Post: return "POST";
    case Ask::Upload: return "large POST";
    case Ask::Streamed: return "streamed POST";
    }
    return "";
}

class Generator
{
public:
    std::vector<Case> run()
    {
        for (const bool tls : {false, true}) {
            handshakes(tls);
            for (const bool reused : {false, true}) {
                Case base;
                base.tls = tls;
                base.reused = reused;
                if (reused)
                    idle(base);
                else
                    accepts(base);
                for (const Framing framing : {Framing::Length, Framing::Chunked, Framing::UntilClose}) {
                    base.framing = framing;
                    answers(base);
                }
                base.framing = Framing::Length;
                uploads(base);
            }
        }
        return std::move(_cases);
    }

private:
    static constexpr Fault ends[] = {Fault::Reset, Fault::Close, Fault::Notify, Fault::HalfClose};

    void add(Case each, const std::string& where)
    {
        if (each.fault == Fault::Notify && !each.tls) return; // the same as Close
        each.name = std::string(each.tls ? "https, " : "http, ") + (each.reused ? "reused, " : "fresh, ");
        if (each.place == Place::Answer) each.name += std::string(nameOf(each.framing)) + ", ";
        if (!each.inHandshake()) each.name += std::string(nameOf(each.ask)) + ", ";
        each.name += std::string(nameOf(each.fault)) + " " + where;
        _cases.push_back(std::move(each));
    }

    void handshakes(bool tls)
    {
        if (!tls) return;
        const std::pair<Place, const char*> places[] = {{Place::HelloUnread, "before the ClientHello is read"},
                                                        {Place::Hello, "after the ClientHello"},
                                                        {Place::ServerHello, "in the ServerHello"},
                                                        {Place::Flight, "after the ServerHello"},
                                                        {Place::Finish, "before the server's Finished"}};
        for (const auto& [place, where] : places)
            for (const Fault fault : {Fault::Reset, Fault::Close, Fault::HalfClose, Fault::Stall, Fault::Drip, Fault::Garbage}) {
                const bool nothingToDrip = place == Place::HelloUnread || place == Place::Finish;
                if (fault == Fault::Drip && nothingToDrip) continue;
                Case each;
                each.tls = true;
                each.place = place;
                each.fault = fault;
                add(each, where);
            }
    }

    void accepts(Case each)
    {
        each.place = Place::Accept;
        for (const Ask ask : {Ask::Get, Ask::Post, Ask::Upload})
            for (const Fault fault : {Fault::Reset, Fault::Close, Fault::Notify, Fault::HalfClose, Fault::Stall, Fault::Garbage})
            {
                each.ask = ask;
                each.fault = fault;
                add(each, "before the request is read");
            }
    }

    void idle(Case each)
    {
        each.place = Place::Idle;
        for (const Ask ask : {Ask::Get, Ask::Post})
            for (const Fault fault : {Fault::Reset, Fault::Close, Fault::Notify, Fault::HalfClose, Fault::Garbage}) {
                each.ask = ask;
                each.fault = fault;
                add(each, "while the connection is idle");
            }
    }

    void answers(Case each)
    {
        const std::size_t whole = answerOf(each.framing).size();
        const std::size_t head = answerOf(each.framing).find("\r\n\r\n") + 4;
        for (const Cut& cut : cutsOf(each.framing)) {
            // The head looks the same whatever the framing of the body.
            if (each.framing != Framing::Length && cut.reached < Reached::Body) continue;
            each.sent = cut.sent;
            each.reached = cut.reached;
            const auto addFault = [&](Fault fault) {
                each.fault = fault;
                add(each, cut.where);
            };
            each.ask = Ask::Get;
            for (const Fault fault : ends) addFault(fault);
            if (cut.reached != Reached::End) addFault(Fault::Stall);
            const std::size_t end = cut.reached < Reached::Body ? head : whole;
            if (2 * shortDeadline < dripInterval * (end - cut.sent)) addFault(Fault::Drip); // else it gets somewhere
            if (cut.reached == Reached::Nothing || cut.where == "in the body") addFault(Fault::Deaf);
            const bool freeText =
                cut.reached == Reached::Body && (each.framing != Framing::Chunked || cut.where == "in the chunk data" ||
                                                 cut.where == "after the chunk size" || cut.where == "in the second chunk");
            if (each.tls || !freeText) addFault(Fault::Garbage); // no rule is broken by strange text
            if (each.framing != Framing::Length || cut.where.find("body byte") != std::string::npos) continue;
            each.ask = Ask::Post;
            for (const Fault fault : {Fault::Reset, Fault::Close, Fault::Notify}) addFault(fault);
        }
    }

    void uploads(Case each)
    {
        for (const Ask ask : {Ask::Upload, Ask::Streamed}) {
            each.ask = ask;
            each.place = Place::Upload;
            for (const Fault fault :
                 {Fault::Reset, Fault::Close, Fault::Notify, Fault::HalfClose, Fault::Stall, Fault::Drip, Fault::Garbage}) {
                each.fault = fault;
                add(each, "in the middle of the upload");
            }
            each.place = Place::Answer;
            for (const Fault fault : {Fault::Reset, Fault::Close, Fault::Stall}) {
                each.fault = fault;
                add(each, "after the upload");
            }
        }
    }

    std::vector<Case> _cases;
};

} // namespace

const std::string& bodyText()
{
    static const std::string text = "abcdefghijklmnopqrstuvwxyz0123ABCDEFGHIJKLMNOPQRSTUVWXYZ4567";
    return text;
}

std::string answerOf(Framing framing)
{
    std::string text;
    for (const Part& part : partsOf(framing)) text += part.text;
    return text;
}

std::vector<Case> allCases() { return Generator().run(); }

} // namespace tollgate::faults
