#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// What the library does not use cannot bite it: its object files show what they call.

namespace {

struct Import
{
    std::string object; ///< "TlsContext.cpp.o"; empty in a linked program
    std::string symbol; ///< as it stands in the source: "Poco::Net::initializeSSL()"
};

std::vector<Import> importsOf(const std::string& file)
{
    const std::string command = "'" TOLLGATE_NM "' -A -C -u '" + file + "'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    BOOST_REQUIRE(pipe);
    std::string text;
    std::array<char, 4096> buffer{};
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) text.append(buffer.data(), size);

    std::vector<Import> imports;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line(text.data() + at, end - at);
        at = end + 1;
        // "lib/libtollgate.a:Url.cpp.o:                 U memcpy", or "bin/program:                 U memcpy@GLIBC_2.14"
        const std::size_t mark = line.find(" U ");
        if (mark == std::string_view::npos) continue;
        std::string_view place = line.substr(0, line.find(": "));
        place.remove_prefix(std::min(place.rfind(':') + 1, place.size()));
        const std::string_view symbol = line.substr(mark + 3);
        imports.push_back({std::string(place), std::string(symbol.substr(0, symbol.find('@')))});
    }
    return imports;
}

/// A part of Poco, of OpenSSL or of the system, and who may use it. What no rule names, anybody may.
struct Rule
{
    const char* symbols;         ///< a regular expression, met from the first character on
    std::set<std::string> users; ///< sources of the library; "*" is all of them, none is nobody
    const char* reason;          ///< T, H and C: rows of docs/security.md
};

const std::vector<Rule>& rules()
{
    static const std::vector<Rule> all{
        // The first that fits decides: what is used of Poco's network, and then that this is all.
        {"(typeinfo|vtable) for Poco::Net::(IPAddress|(Impl::)?\\w*SocketAddress\\w*|(Stream)?Socket(Impl)?|Context)$",
         {"*"},
         ""},
        {"Poco::Net::(IPAddress|SocketAddress|Impl::\\w*SocketAddressImpl)::(?!resolve)", {"*"}, ""},
        {"Poco::Net::(StreamSocket|StreamSocketImpl)::~?StreamSocket",
         {"Connection.cpp", "RedisBackend.cpp", "RedisConnection.cpp", "RedisStore.cpp"},
         "owns a descriptor, no more"},
        {"Poco::Net::(Socket::operator=|SocketImpl::setNoDelay|StreamSocket::connectNB)",
         {"RedisConnection.cpp"},
         "C3: a store's connection never blocks"},
        {"Poco::Net::initializeSSL\\(", {"TlsContext.cpp"}, ""},
        {"Poco::Net::Context::~?Context\\(", {"TlsContext.cpp"}, ""},
        {"Poco::Net::uninitializeSSL", {}, "T13: the library's own reference is for life"},
        {"Poco::(Net|Crypto|NetSSL)::", {}, "T3, T14, T15, T18, T19, H3, H8, H16, C8, C9, C11, C16"},
        {"Poco::(URIStreamOpener|StreamCopier|ThreadPool|Thread|Timer|ErrorHandler)::", {}, "C11; global objects of Poco"},

        {"getaddrinfo$", {"Resolver.cpp"}, "C1: look-ups in the resolver's threads alone"},
        {"(gethostby\\w+|getnameinfo|res_\\w+)$", {}, "C1"},
        {"(socket|connect)$", {"Connector.cpp"}, "C2: each connection runs through the race, and is closed on exec"},
        {"(send|recv)$", {"Connection.cpp", "TlsStream.cpp", "RedisConnection.cpp"}, "C4: MSG_NOSIGNAL in each"},
        {"(write|writev|sendto|sendmsg|sendfile|dup|dup2|dup3|accept|SSL_set_fd|BIO_new_socket)$", {}, "C4: raises SIGPIPE"},
        {"(select|poll|epoll_\\w+)$", {}, "C3: one wait, ppoll in Wait.cpp; select() corrupts memory beyond descriptor 1,023"},
        {"ppoll$", {"Wait.cpp"}, "C3"},
        {"(fork|vfork|system|popen|exec\\w+|posix_spawn\\w*)$", {}, "a guest starts no processes"},
        {"(exit|abort|quick_exit|_Exit)$", {}, "a guest does not end its host"},
        {"_exit$", {"Dispatcher.cpp"}, "in a forked child's worker alone"},
        {"(signal|sigaction|raise|kill|alarm|setitimer|sigprocmask)$", {}, "C4: signals are the host's"},
        {"pthread_sigmask$", {"Dispatcher.cpp", "Resolver.cpp"}, "around the start of a thread"},
        {"(setenv|unsetenv|putenv|clearenv|setlocale|tzset|localtime|chdir|umask|setrlimit\\w*)$", {}, "state of the process"},
        {"(getenv|secure_getenv)$", {"Secret.cpp", "TlsTrust.cpp"}, "C6: no proxy comes from the environment"},
        {"Poco::Environment::", {"Setup.cpp"}, "C6"},
        {"(strtok|gmtime|ctime|asctime|rand|srand|random|inet_ntoa|strerror)$", {}, "not for several threads"},
        {"(OPENSSL_init_\\w+|OPENSSL_cleanup|OPENSSL_config|CONF_\\w+|ENGINE_\\w+|OSSL_PROVIDER_\\w+|EVP_set_default\\w*)$",
         {},
         "state of OpenSSL that is the host's"},
        {"(ERR_print_errors\\w*|CRYPTO_set_\\w+|X509_VERIFY_PARAM_(add0_table|lookup|table_cleanup))$", {}, "as above"},
        {"OPENSSL_thread_stop$", {"ForkGuard.cpp"}, "at the end of a thread, inside of a ForkSection"},
    };
    return all;
}

/// Each import against the first rule that names it.
std::set<std::string> offencesIn(const std::string& file)
{
    std::vector<std::regex> patterns;
    for (const Rule& rule : rules())
        patterns.emplace_back(std::string("((typeinfo|vtable) for )?") + rule.symbols, std::regex::optimize);

    std::set<std::string> offences;
    for (const auto& [object, symbol] : importsOf(file)) {
        for (std::size_t i = 0; i < patterns.size(); ++i) {
            if (!std::regex_search(symbol, patterns[i], std::regex_constants::match_continuous)) continue;
            const Rule& rule = rules()[i];
            const std::string source = object.substr(0, object.rfind(".o"));
            if (rule.users.count("*") == 0 && rule.users.count(source) == 0)
                offences.insert(source + " uses " + symbol + " (" + rule.reason + ")");
            break;
        }
    }
    return offences;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ImportsTest)

BOOST_AUTO_TEST_CASE(the_library_calls_nothing_that_it_promises_to_leave_alone)
{
    std::istringstream libraries(TOLLGATE_LIBRARIES); // the library, and the stores as far as they are built
    std::set<std::string> seen;
    for (std::string library; std::getline(libraries, library, ':');) {
        for (const Import& each : importsOf(library)) seen.insert(each.symbol);
        for (const std::string& offence : offencesIn(library)) BOOST_ERROR(offence);
    }
    BOOST_TEST(seen.size() > 300u);
    BOOST_TEST(seen.count("Poco::Net::initializeSSL()") == 1u); // T13: the reference is taken
}

// Were names written in another way one day, the case above would find nothing: this program does all that.
BOOST_AUTO_TEST_CASE(a_program_that_does_is_found_out)
{
    const std::set<std::string> offences = offencesIn(TOLLGATE_HOSTILE_HOST);
    for (const char* each : {"Poco::Net::SSLManager::", "Poco::Net::HTTPClientSession::setGlobalProxyConfig",
                             "Poco::Net::uninitializeSSL", "X509_VERIFY_PARAM_add0_table", "fork"})
        BOOST_TEST(std::any_of(offences.begin(), offences.end(),
                               [each](const std::string& offence) { return offence.find(each) != std::string::npos; }),
                   each);
}

BOOST_AUTO_TEST_SUITE_END()
