#pragma once

#include "HttpMessage.h"

#include <cstddef>
#include <memory>
#include <string>

namespace tollgate::testing::sandbox {

/// Takes the bytes of one connection and makes requests of them, with Boost.Beast's parser. Bytes behind a request are kept for
/// the next one. Head at most 64 KiB, body at most 64 MiB. Not thread-safe.
class RequestReader
{
public:
    enum class Step
    {
        NeedMore, ///< the bytes so far are not a whole request
        Complete, ///< take() it
        Failed    ///< answer failureStatus() and close
    };

    RequestReader();
    ~RequestReader();

    void feed(const char* data, std::size_t size) { _pending.append(data, size); }
    Step step();

    /// True once for a request that waits for "100 Continue" before it sends its body (RFC 9110 section 10.1.1).
    bool takeExpectation();
    /// The request, after Complete. Its peer is left empty.
    HttpRequest take();
    /// Whether the connection may go on after the request that was taken.
    bool keepAlive() const noexcept { return _keepAlive; }
    int failureStatus() const noexcept { return _failureStatus; }

    /// No byte of a further request has come.
    bool isIdle() const noexcept { return !_parser && _pending.empty(); }
    /// Gives back memory while the connection is idle.
    void releaseBuffers();

private:
    struct Parser;
    std::string _pending;
    std::unique_ptr<Parser> _parser;
    bool _keepAlive = true;
    bool _continued = false;
    int _failureStatus = 400;
};

} // namespace tollgate::testing::sandbox
