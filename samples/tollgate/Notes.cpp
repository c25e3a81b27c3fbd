#include "Notes.h"

#include "Control.h"

#include <unistd.h>

namespace tollgate::command {

namespace {

class Notes final : public Observer
{
public:
    void onNotice(const Notice& notice) override { tell(notice.text); }
    void onTransition(const Transition& transition) override
    {
        using Kind = Transition::Kind; // the others lead to an error, or to an answer, which says it
        if (transition.kind == Kind::SteppedDown || transition.kind == Kind::StoreTrouble) tell(transition.text);
    }

private:
    static void tell(const std::string& text) { writeAll(STDERR_FILENO, "tollgate: note: " + text + '\n'); }
};

} // namespace

ObserverPtr notesOnStandardError() { return std::make_shared<Notes>(); }

} // namespace tollgate::command
