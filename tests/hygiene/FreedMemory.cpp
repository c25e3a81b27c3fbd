#include "hygiene/FreedMemory.h"
#include "support/Sanitizers.h"

#include <execinfo.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tollgate::tests {

namespace {

constexpr std::size_t wordSize = sizeof(std::uint32_t);
static_assert(FreedMemory::pieceSize >= 2 * wordSize - 1, "a piece holds a whole word of its block wherever it begins");

struct Watched
{
    explicit Watched(std::vector<HiddenText> all) : texts(std::move(all))
    {
        for (const HiddenText& text : texts)
            for (std::size_t at = 0; at + wordSize <= text.size(); ++at) {
                std::array<char, wordSize> word{};
                for (std::size_t i = 0; i < wordSize; ++i) word[i] = text.at(at + i);
                words.set(hash(word.data()));
            }
    }

    static std::size_t hash(const char* bytes) noexcept
    {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes, wordSize);
        return word * 2654435761U >> 16;
    }

    std::vector<HiddenText> texts;
    std::bitset<1U << 16> words; ///< lets nearly all of a block be passed over at one look
};

std::atomic<const Watched*> watched{nullptr};
std::atomic<unsigned> found{0};

/// Whether the word at `at` lies in a piece of the text.
bool liesInPiece(const HiddenText& text, const char* begin, const char* at, const char* end) noexcept
{
    for (std::size_t first = 0; first + wordSize <= text.size(); ++first) {
        std::size_t after = 0;
        while (at + after < end && first + after < text.size() && at[after] == text.at(first + after)) ++after;
        if (after < wordSize) continue;
        std::size_t before = 0;
        while (at - before > begin && before < first && *(at - before - 1) == text.at(first - before - 1)) ++before;
        if (before + after >= FreedMemory::pieceSize) return true;
    }
    return false;
}

bool holdsPiece(const Watched& wanted, const char* begin, const char* end) noexcept
{
    for (const char* at = begin; end - at >= static_cast<std::ptrdiff_t>(wordSize); at += wordSize)
        if (wanted.words.test(Watched::hash(at)) &&
            std::any_of(wanted.texts.begin(), wanted.texts.end(),
                        [&](const HiddenText& text) { return liesInPiece(text, begin, at, end); }))
            return true;
    return false;
}

[[maybe_unused]] void look(void* block) noexcept
{
    const Watched* wanted = watched.load();
    if (!wanted || !block) return;
    const auto* begin = static_cast<const char*>(block);
    if (!holdsPiece(*wanted, begin, begin + ::malloc_usable_size(block))) return;
    ++found;
    if (!std::getenv("TOLLGATE_TEST_TRACE")) return;
    void* frames[24];
    ::backtrace_symbols_fd(frames, ::backtrace(frames, 24), STDERR_FILENO);
    static_cast<void>(!::write(STDERR_FILENO, "--\n", 3));
}

} // namespace

FreedMemory::FreedMemory(std::vector<HiddenText> texts)
{
    found = 0;
    watched = new Watched(std::move(texts));
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
