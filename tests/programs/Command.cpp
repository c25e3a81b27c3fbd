#include "programs/Command.h"

#include "tollgate/Json.h"
#include "tollgate/schemes/BasicSiteAuth.h"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tollgate::test {

Finished CommandFixture::tollgate(const std::vector<std::string>& arguments, const Environment& environment,
                                  const std::string& input) const
{
    Finished finished = runProgram("tollgate", arguments, withState(environment), input);
    BOOST_TEST(!finished.timedOut);
    checkNoSecrets(finished);
    return finished;
}

Environment CommandFixture::withState(Environment environment) const
{
    environment.emplace("XDG_STATE_HOME", state.path());
    return environment;
}

void CommandFixture::checkNoSecrets(const Finished& finished) const
{
    const auto& bento = sandbox.bento();
    const auto& chatbot = sandbox.chatbot();
    const std::vector<std::string> secrets{
        bento.publishableKey,    bento.secretKey,       bento.siteUuid,  base64(bento.publishableKey + ':' + bento.secretKey),
        sandbox.bentoo().apiKey, sandbox.bando().token, chatbot.readKey, chatbot.writeKey,
        chatbot.adminKey};
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        BOOST_REQUIRE(!secrets[i].empty());
        BOOST_TEST((finished.all().find(secrets[i]) == std::string::npos), "secret number " << i << " stands in the output");
    }
}

Environment CommandFixture::goodEnvironment() const
{
    return {{"BENTO_PUBLISHABLE_KEY", sandbox.bento().publishableKey},
            {"BENTO_SECRET_KEY", sandbox.bento().secretKey},
            {"BENTO_SITE_UUID", sandbox.bento().siteUuid},
            {"BENTO_BASE_URL", sandbox.baseUrl(Api::Bento)},
            {"BENTOO_API_KEY", sandbox.bentoo().apiKey},
            {"BENTOO_BASE_URL", sandbox.baseUrl(Api::Bentoo)},
            {"BANDO_API_TOKEN", sandbox.bando().token},
            {"BANDO_BASE_URL", sandbox.baseUrl(Api::Bando)},
            {"CHATBOT_API_KEY", sandbox.chatbot().readKey},
            {"CHATBOT_BASE_URL", sandbox.baseUrl(Api::Chatbot)}};
}

Poco::JSON::Object::Ptr onlyObject(const Finished& finished)
{
    BOOST_TEST_INFO("out: " << finished.out << " err: " << finished.err);
    BOOST_REQUIRE(!finished.out.empty());
    BOOST_TEST(finished.out.back() == '\n');
    return parseJson(finished.out).extract<Poco::JSON::Object::Ptr>(); // parsing fails if anything follows
}

std::string textOf(const Poco::JSON::Object::Ptr& object, const std::string& name)
{
    BOOST_REQUIRE_MESSAGE(object && object->has(name), "there is no member " << name);
    return object->isNull(name) ? std::string() : object->getValue<std::string>(name);
}

const std::string& noSuchHost()
{
    static const std::string host = std::string(64, 'a') + ".invalid";
    return host;
}

TemporaryDirectory::TemporaryDirectory() : _path((std::filesystem::temp_directory_path() / "tollgate-test-XXXXXX").string())
{
    BOOST_REQUIRE(::mkdtemp(_path.data()) != nullptr);
}

TemporaryDirectory::~TemporaryDirectory()
{
    std::error_code ignored;
    std::filesystem::remove_all(_path, ignored);
}

TemporaryFile::TemporaryFile(const std::string& content, const std::string& name) : _path(_directory.path() + '/' + name)
{
    std::ofstream(_path, std::ios::binary) << content;
}

std::string TemporaryFile::read() const
{
    std::ostringstream text;
    text << std::ifstream(_path, std::ios::binary).rdbuf();
    return text.str();
}

} // namespace tollgate::test
