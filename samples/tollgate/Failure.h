#pragma once

#include "ExitStatus.h"

#include "tollgate/Attempt.h"
#include "tollgate/Error.h"

#include <Poco/JSON/Object.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace tollgate {
class Response;
}

namespace tollgate::command {

/// The command line itself is wrong.
class UsageError : public Error
{
public:
    using Error::Error;
    const char* name() const noexcept override { return "UsageError"; }
    Poco::Exception* clone() const override { return new UsageError(*this); }
    void rethrow() const override { throw *this; }
};

/// The one way from an error to an exit status, a text for people and JSON for scripts. All subcommands report through it.
class Failure
{
public:
    explicit Failure(const Error& error);
    /// For what is no tollgate::Error: a defect, or out of memory.
    explicit Failure(const std::exception& error);

    ExitStatus exitStatus() const noexcept { return _exitStatus; }
    /// "tollgate: <message>", "  hint: ..." and "  support: ..." on lines of their own.
    std::string text() const;
    /// {type, message, delivery, hint, support}
    Poco::JSON::Object::Ptr json() const;

    const std::string& message() const noexcept { return _details.message; }
    const std::string& hint() const noexcept { return _details.hint; }
    const std::string& support() const noexcept { return _details.support; }
    const ErrorDetails& details() const noexcept { return _details; }

private:
    std::string _type;
    ErrorDetails _details;
    ExitStatus _exitStatus;
};

} // namespace tollgate::command
