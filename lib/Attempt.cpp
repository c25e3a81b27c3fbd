#include "tollgate/Attempt.h"

namespace tollgate {

const char* toString(Delivery delivery) noexcept
{
    switch (delivery) {
    case Delivery::NotSent: return "NotSent";
    case Delivery::MaybeProcessed: return "MaybeProcessed";
    case Delivery::Answered: break;
    }
    return "Answered";
}

} // namespace tollgate
