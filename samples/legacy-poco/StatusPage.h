#pragma once

#include <Poco/Net/HTTPServer.h>

#include <string>

/// Old code, untouched: a small status page, and the poller that has watched it with HTTPClientSession for years.
class StatusPage
{
public:
    StatusPage();
    ~StatusPage();
    StatusPage(const StatusPage&) = delete;
    StatusPage& operator=(const StatusPage&) = delete;

    std::string url() const;

private:
    Poco::Net::HTTPServer _server;
};

/// Throws Poco::Exception.
std::string pollStatus(const std::string& url);
