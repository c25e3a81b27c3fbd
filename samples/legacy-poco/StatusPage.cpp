#include "StatusPage.h"

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>

namespace {

class StatusHandler : public Poco::Net::HTTPRequestHandler
{
    void handleRequest(Poco::Net::HTTPServerRequest&, Poco::Net::HTTPServerResponse& response) override
    {
        response.setContentType("text/plain");
        response.send() << "all systems go";
    }
};

class StatusHandlerFactory : public Poco::Net::HTTPRequestHandlerFactory
{
    Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override
    {
        return new StatusHandler;
    }
};

Poco::Net::ServerSocket anyLoopbackPort() { return Poco::Net::ServerSocket(Poco::Net::SocketAddress("127.0.0.1", 0)); }

} // namespace

StatusPage::StatusPage() : _server(new StatusHandlerFactory, anyLoopbackPort(), new Poco::Net::HTTPServerParams)
{
    _server.start();
}

StatusPage::~StatusPage() { _server.stopAll(true); }

std::string StatusPage::url() const { return "http://127.0.0.1:" + std::to_string(_server.port()) + "/status"; }

std::string pollStatus(const std::string& url)
{
    const Poco::URI uri(url);
    Poco::Net::HTTPClientSession session(uri.getHost(), uri.getPort());
    Poco::Net::HTTPRequest request(Poco::Net::HTTPRequest::HTTP_GET, uri.getPathAndQuery(), Poco::Net::HTTPRequest::HTTP_1_1);
    session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    std::string body;
    Poco::StreamCopier::copyToString(session.receiveResponse(response), body);
    return body;
}
