#include "tollgate/Stage.h"

#include <utility>

namespace tollgate {

Verdict Verdict::answer(Outcome outcome)
{
    Verdict verdict(Kind::Answer);
    verdict._outcome = std::make_shared<Outcome>(std::move(outcome));
    return verdict;
}

Verdict Verdict::wait(TimePoint until, const char* waitedFor, CallPtr first)
{
    Verdict verdict(Kind::Wait);
    verdict._until = until;
    verdict._waitedFor = waitedFor;
    verdict._first = std::move(first);
    return verdict;
}

Verdict Verdict::again(TimePoint at, const char* waitedFor)
{
    Verdict verdict(Kind::Again);
    verdict._until = at;
    verdict._waitedFor = waitedFor;
    return verdict;
}

} // namespace tollgate
