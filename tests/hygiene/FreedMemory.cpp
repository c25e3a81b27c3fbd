#include "hygiene/FreedMemory.h"
#include "support/Sanitizers.h"

#include <execinfo.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace tollgate::tests {

namespace {

std::atomic<const std::vector<HiddenText>*> watched{nullptr};
std::atomic<unsigned> found{0};

[[maybe_unused]] void look(void* block) noexcept
{
    const auto* texts = watched.load();
    if (!texts || !block) return;
    const auto* begin = static_cast<const char*>(block);
    const char* end = begin + ::malloc_usable_size(block);
    for (const HiddenText& text : *texts) {
        if (text.countIn(begin, end) == 0) continue;
        ++found;
        if (!std::getenv("TOLLGATE_TEST_TRACE")) continue;
        void* frames[24];
        ::backtrace_symbols_fd(frames, ::backtrace(frames, 24), STDERR_FILENO);
        static_cast<void>(!::write(STDERR_FILENO, "--\n", 3));
    }
}

} // namespace

FreedMemory::FreedMemory(std::vector<HiddenText> texts)
{
    found = 0;
    watched = new std::vector<HiddenText>(std::move(texts));
}

FreedMemory::~FreedMemory() { delete watched.exchange(nullptr); }

unsigned FreedMemory::unwiped() const { return found; }

} // namespace tollgate::tests

#if !defined(TOLLGATE_TESTS_WITH_ASAN) && !defined(TOLLGATE_TESTS_WITH_TSAN)

// The replaceable functions of the language, for the whole test program.
void* operator new(std::size_t size)
{
    if (void* block = std::malloc(size != 0 ? size : 1)) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept
{
    tollgate::tests::look(block);
    std::free(block); // NOLINT(cppcoreguidelines-no-malloc)
}
void operator delete(void* block, std::size_t /*size*/) noexcept { operator delete(block); }

#endif
