// A Poco server application as there are many: configuration from a .properties file, Poco's loggers, a poller on
// HTTPClientSession. The lines between "tollgate" and "end" are all that was added so that it tells Bento when it starts.

#include "StatusPage.h"
#include "support/Sample.h"

#include <Poco/Event.h>
#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionSet.h>
#include <Poco/Util/ServerApplication.h>

// tollgate
#include <tollgate/poco/LoggerObserver.h>
#include <tollgate/providers/Bento.h>
// end

#include <iostream>
#include <thread>

class LegacyApplication : public Poco::Util::ServerApplication
{
protected:
    void initialize(Poco::Util::Application& self) override
    {
        loadConfiguration();
        ServerApplication::initialize(self);
    }

    void defineOptions(Poco::Util::OptionSet& options) override
    {
        ServerApplication::defineOptions(options);
        options.addOption(Poco::Util::Option("help", "h", "prints this help"));
        options.addOption(Poco::Util::Option("once", "o", "polls the status page once, then ends"));
    }

    void handleOption(const std::string& name, const std::string& value) override
    {
        ServerApplication::handleOption(name, value);
        _help = _help || name == "help";
        _once = _once || name == "once";
    }

    int main(const std::vector<std::string>&) override
    {
        if (_help) {
            Poco::Util::HelpFormatter help(options());
            help.setCommand(commandName());
            help.setUsage("[--once]");
            help.format(std::cout);
            return EXIT_OK;
        }
        try {
            // tollgate
            tellBentoThatWeStart();
            // end
            StatusPage page;
            poll(page);
            if (_once) return EXIT_OK;
            const std::chrono::seconds pause(config().getInt("status.pollSeconds", 10));
            std::thread poller([&] {
                while (!_stop.tryWait(static_cast<long>(std::chrono::milliseconds(pause).count()))) poll(page);
            });
            waitForTerminationRequest();
            _stop.set();
            poller.join();
            return EXIT_OK;
        } catch (const Poco::Exception& problem) // as ever: it catches tollgate's errors too
        {
            logger().error(problem.displayText());
            return 1;
        }
    }

private:
    void poll(const StatusPage& page)
    {
        try {
            logger().information("status page: " + pollStatus(page.url()));
        } catch (const Poco::Exception& problem) {
            logger().error(problem.displayText());
        }
    }

    // tollgate
    void tellBentoThatWeStart()
    {
        const auto sandbox = sample::sandboxUnlessSet("Bento", {"BENTO_PUBLISHABLE_KEY", "BENTO_SECRET_KEY", "BENTO_SITE_UUID"});
        tollgate::BentoOptions options;
        options.userAgent = config().getString("bento.userAgent");
        options.observer = tollgate::poco::loggerObserver(logger());
        options.baseUrl =
            sandbox ? sandbox->baseUrl(tollgate::testing::Provider::Bento) : config().getString("bento.baseUrl", "");
        options.publishableKey =
            sandbox ? sample::fixed(sandbox->bento().publishableKey) : tollgate::environmentSource("BENTO_PUBLISHABLE_KEY");
        options.secretKey = sandbox ? sample::fixed(sandbox->bento().secretKey) : tollgate::environmentSource("BENTO_SECRET_KEY");
        options.siteUuid = sandbox ? sample::fixed(sandbox->bento().siteUuid) : tollgate::environmentSource("BENTO_SITE_UUID");

        const tollgate::Bento bento(options);
        bento.sendEvents({{"$custom.server_started", config().getString("bento.reportTo"), {}, {{"program", commandName()}}}});
        logger().information("told Bento that the server starts");
    }
    // end

    bool _help = false;
    bool _once = false;
    Poco::Event _stop;
};

POCO_SERVER_MAIN(LegacyApplication)
