#pragma once

#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

namespace tollgate::command {

/// What the doctor found out by one check. A problem says what is wrong, why it matters, how to mend it and who can help.
struct DoctorFinding
{
    std::string provider; ///< "bento"
    std::string check;    ///< variables, credential, base-url, user-agent, certificates, name, connect, tls, answer
    bool ok = true;
    std::string what; ///< the problem, or what was seen
    std::string why;
    std::string fix;
    std::string support;

    std::string text() const;
    Poco::JSON::Object::Ptr json() const;
};

using DoctorFindings = std::vector<DoctorFinding>;

bool anyProblem(const DoctorFindings& findings) noexcept;

} // namespace tollgate::command
