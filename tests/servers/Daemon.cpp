#include "servers/Daemon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <thread>

namespace tollgate::tests {

namespace {

bool takesConnections(int port)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool connected = connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(descriptor);
    return connected;
}

std::string filled(std::string text, const std::map<std::string, std::string>& values)
{
    for (const auto& [mark, value] : values)
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size()))
            text.replace(at, mark.size(), value);
    return text;
}

std::string read(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

Daemon::Daemon()
{
    std::string name = (std::filesystem::temp_directory_path() / "tollgate-server-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    _folder = name;
}

Daemon::~Daemon()
{
    if (_pid > 0) {
        kill(_pid, SIGTERM);
        waitpid(_pid, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(_folder, ignored);
}

void Daemon::write(const std::string& name, const std::string& text) const { std::ofstream(_folder + "/" + name) << text; }

void Daemon::start(const std::string& program, const std::vector<std::string>& arguments)
{
    const std::string log = _folder + "/log";
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const pid_t parent = getpid();
    _pid = fork();
    if (_pid < 0) throw std::runtime_error("cannot start " + program);
    if (_pid == 0) { // nothing but calls that are safe after fork
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(126);
        const int out = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        execv(program.c_str(), argv.data());
        _exit(127);
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < end) {
        if (waitpid(_pid, nullptr, WNOHANG) == _pid) {
            _pid = -1;
            break;
        }
        if (takesConnections(port())) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    throw std::runtime_error(program + " did not start: " + read(log));
}

Nginx::Nginx(unsigned perMinute, unsigned burst)
{
    write("ok", "ok\n");
    // It serves a file, since "return" would answer before limit_req is asked.
    write("nginx.conf", filled(R"(
        daemon off;
        master_process off;
        pid @FOLDER@/pid;
        error_log stderr crit;
        events { worker_connections 256; }
        http {
            access_log off;
            keepalive_requests 1000000;
            client_body_temp_path @FOLDER@/a;
            proxy_temp_path @FOLDER@/b;
            fastcgi_temp_path @FOLDER@/c;
            uwsgi_temp_path @FOLDER@/d;
            scgi_temp_path @FOLDER@/e;
            limit_req_zone $binary_remote_addr zone=all:1m rate=@RATE@r/m;
            limit_req_status 429;
            server {
                listen 127.0.0.1:@PORT@;
                location / {
                    root @FOLDER@;
                    limit_req zone=all burst=@BURST@ nodelay;
                }
            }
        }
        )",
                               {{"@FOLDER@", folder()},
                                {"@PORT@", std::to_string(port())},
                                {"@RATE@", std::to_string(perMinute)},
                                {"@BURST@", std::to_string(burst)}}));
    start("/usr/sbin/nginx", {"-p", folder(), "-c", folder() + "/nginx.conf", "-e", "stderr"});
}

HaProxy::HaProxy(unsigned requests, unsigned seconds)
{
    write("haproxy.cfg", filled(R"(
global
    maxconn 256
defaults
    mode http
    timeout client 60s
    timeout connect 5s
    timeout server 5s
frontend all
    bind 127.0.0.1:@PORT@
    stick-table type ip size 100 expire 60s store http_req_rate(@SECONDS@s)
    http-request track-sc0 src
    http-request deny deny_status 429 if { sc_http_req_rate(0) gt @REQUESTS@ }
    http-request return status 200 content-type text/plain string ok
)",
                                {{"@PORT@", std::to_string(port())},
                                 {"@REQUESTS@", std::to_string(requests)},
                                 {"@SECONDS@", std::to_string(seconds)}}));
    start("/usr/sbin/haproxy", {"-db", "-f", folder() + "/haproxy.cfg"});
}

Squid::Squid(int tunnelPort)
{
    write("squid.conf", filled(R"(
http_port 127.0.0.1:@PORT@
acl tunnels port @TUNNELS@
acl CONNECT method CONNECT
http_access deny CONNECT !tunnels
http_access allow all
cache deny all
access_log none
cache_log /dev/null
pid_filename none
netdb_filename none
coredump_dir /
visible_hostname squid.test
shutdown_lifetime 0 seconds
)",
                               {{"@PORT@", std::to_string(port())}, {"@TUNNELS@", std::to_string(tunnelPort)}}));
    // Started as root it becomes another user, who looks at the file, too.
    std::filesystem::permissions(folder(), std::filesystem::perms::others_exec, std::filesystem::perm_options::add);
    start("/usr/sbin/squid", {"-N", "-d1", "-f", folder() + "/squid.conf"});
}

} // namespace tollgate::tests
