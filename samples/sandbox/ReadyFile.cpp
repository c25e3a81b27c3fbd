#include "ReadyFile.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

namespace {

using tollgate::testing::Provider;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

void writeAll(int descriptor, const std::string& text)
{
    for (std::size_t done = 0; done < text.size();) {
        const auto count = ::write(descriptor, text.data() + done, text.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("cannot write the ready file");
        done += static_cast<std::size_t>(count);
    }
}

/// A JSON string. Paths and keys need no more escaping than this.
std::string quoted(const std::string& text)
{
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') json += '\\';
        json += c;
    }
    return json + '"';
}

} // namespace

std::string readyJson(const tollgate::testing::Sandbox& sandbox)
{
    const auto url = [&](Provider provider) { return quoted(sandbox.baseUrl(provider)); };
    const auto& bento = sandbox.bento();
    const auto& chatbot = sandbox.chatbot();
    auto json =
        fmt::format("{{\n  \"bento\": {{\"baseUrl\": {}, \"publishableKey\": {}, \"secretKey\": {}, \"siteUuid\": {}}},\n",
                    url(Provider::Bento), quoted(bento.publishableKey), quoted(bento.secretKey), quoted(bento.siteUuid));
    json += fmt::format("  \"bentoo\": {{\"baseUrl\": {}, \"apiKey\": {}}},\n", url(Provider::Bentoo),
                        quoted(sandbox.bentoo().apiKey));
    json +=
        fmt::format("  \"bando\": {{\"baseUrl\": {}, \"token\": {}}},\n", url(Provider::Bando), quoted(sandbox.bando().token));
    json += fmt::format("  \"chatbot\": {{\"baseUrl\": {}, \"keys\": {{\"read\": {}, \"write\": {}, \"admin\": {}}}}},\n",
                        url(Provider::Chatbot), quoted(chatbot.readKey), quoted(chatbot.writeKey), quoted(chatbot.adminKey));
    if (!sandbox.caFile().empty()) json += fmt::format("  \"caFile\": {},\n", quoted(sandbox.caFile()));
    return json + fmt::format("  \"controlUrl\": {}\n}}\n", quoted(sandbox.controlUrl()));
}

ReadyFile::ReadyFile(std::string path, const std::string& content) : _path(std::move(path))
{
    auto temporary = _path + ".XXXXXX";
    const int descriptor = ::mkstemp(temporary.data()); // mode 0600
    if (descriptor < 0) fail("cannot create the ready file " + _path);
    try {
        writeAll(descriptor, content);
        if (::close(descriptor) != 0) fail("cannot write the ready file");
        if (std::rename(temporary.c_str(), _path.c_str()) != 0) fail("cannot create the ready file " + _path);
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
}

ReadyFile::~ReadyFile() { ::unlink(_path.c_str()); }
