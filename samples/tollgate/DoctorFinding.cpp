#include "DoctorFinding.h"

#include <fmt/format.h>

#include <algorithm>

namespace tollgate::command {

std::string DoctorFinding::text() const
{
    if (ok) return fmt::format("  ok       {}: {}\n", check, what);
    std::string lines = fmt::format("  PROBLEM  {}: {}\n", check, what);
    if (!why.empty()) lines += fmt::format("           why: {}\n", why);
    lines += fmt::format("           fix: {}\n", fix);
    if (!support.empty()) lines += fmt::format("           support: {}\n", support);
    return lines;
}

Poco::JSON::Object::Ptr DoctorFinding::json() const
{
    Poco::JSON::Object::Ptr object = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
    object->set("provider", provider);
    object->set("check", check);
    object->set("ok", ok);
    object->set(ok ? "seen" : "problem", what);
    if (ok) return object;
    object->set("why", why);
    object->set("fix", fix);
    object->set("support", support);
    return object;
}

bool anyProblem(const DoctorFindings& findings) noexcept
{
    return std::any_of(findings.begin(), findings.end(), [](const DoctorFinding& finding) { return !finding.ok; });
}

} // namespace tollgate::command
