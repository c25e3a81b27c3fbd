#include "tollgate/Error.h"

#include "support/Throws.h"
#include "tollgate/Response.h"
#include "tollgate/Result.h"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

using namespace tollgate;
using tollgate::tests::contains;

namespace {

ErrorDetails full()
{
    ErrorDetails details;
    details.message = "it happened";
    details.hint = "Do this.";
    details.support = "Ask support@example.com.";
    details.delivery = Delivery::MaybeProcessed;
    details.requestId = "req-1";
    details.attempts.resize(2);
    details.missingScopes = {"write"};
    details.cause = "because";
    details.notBefore = WallTime(std::chrono::seconds(1000));
    details.retryIn = std::chrono::seconds(7);
    ResponseHead head;
    head.status = 418;
    details.response = std::make_shared<const Response>(head, std::string("body"));
    return details;
}

using Leaves =
    boost::mpl::list<ConfigurationError, MissingCredential, InvalidCredential, InvalidRequest, InvalidUrl, InsecureTransport>;
using Leaves2 = boost::mpl::list<MissingScope, RateLimited, LockedOut, CredentialRejected, Cancelled, HttpError, BadRequest,
                                 PermissionDenied, NotFound, ServerError, Blocked, UnexpectedContent>;
using Leaves3 = boost::mpl::list<TransportError, Timeout, NameResolutionError, ConnectError, TlsError, ConnectionLost,
                                 ProtocolError, ResponseTooLarge>;

/// clone() and rethrow() through the base class must give the very leaf back, with its details.
template <class Leaf>
void checkLeaf()
{
    const Leaf original(full());
    const Poco::Exception& base = original;
    BOOST_TEST(std::string(base.name()) == Leaf::typeName);

    const std::unique_ptr<Poco::Exception> clone(base.clone());
    const Poco::Exception& cloned = *clone;
    BOOST_TEST((typeid(cloned) == typeid(Leaf)));
    BOOST_TEST(dynamic_cast<const Leaf&>(*clone).requestId() == "req-1");

    try {
        clone->rethrow();
        BOOST_ERROR("rethrow() returned");
    } catch (const Error& error) {
        BOOST_TEST((typeid(error) == typeid(Leaf)));
        BOOST_TEST(error.attempts().size() == 2U);
        BOOST_TEST(error.status() == 418);
    }

    ErrorDetails changed = original.details();
    changed.message = "else";
    const ErrorPtr other = original.with(changed);
    const Error& changedError = *other;
    BOOST_TEST((typeid(changedError) == typeid(Leaf)));
    BOOST_TEST(contains(other->what(), "else"));

    BOOST_CHECK_THROW(throw original, Poco::Exception);
    BOOST_TEST(
        contains(original.displayText(), std::string(Leaf::typeName) + ": it happened. Do this. Ask support@example.com."));
}

} // namespace

BOOST_AUTO_TEST_SUITE(ErrorTest)

BOOST_AUTO_TEST_CASE_TEMPLATE(configuration_leaves_never_slice, Leaf, Leaves) { checkLeaf<Leaf>(); }
BOOST_AUTO_TEST_CASE_TEMPLATE(answer_leaves_never_slice, Leaf, Leaves2) { checkLeaf<Leaf>(); }
BOOST_AUTO_TEST_CASE_TEMPLATE(transport_leaves_never_slice, Leaf, Leaves3) { checkLeaf<Leaf>(); }

BOOST_AUTO_TEST_CASE(the_tree_is_as_documented)
{
    BOOST_CHECK_THROW(throw InvalidUrl("x"), InvalidRequest);
    BOOST_CHECK_THROW(throw InsecureTransport("x"), InvalidRequest);
    BOOST_CHECK_THROW(throw MissingCredential("x"), ConfigurationError);
    BOOST_CHECK_THROW(throw Timeout("x"), TransportError);
    BOOST_CHECK_THROW(throw Blocked("x"), HttpError);
    BOOST_CHECK_THROW(throw Cancelled("x"), Error);
}

BOOST_AUTO_TEST_CASE(what_is_the_whole_text)
{
    const RateLimited error(full());
    BOOST_TEST(std::string(error.what()) == "it happened. Do this. Ask support@example.com.");
    BOOST_TEST((error.notBefore() == WallTime(std::chrono::seconds(1000))));
    BOOST_TEST((error.retryIn() == std::chrono::seconds(7)));
    const Error plain("only this", "and that");
    BOOST_TEST(std::string(plain.what()) == "only this. and that");
    BOOST_TEST(plain.status() == 0);
    BOOST_TEST(plain.response() == nullptr);
}

BOOST_AUTO_TEST_CASE(result_holds_either_and_throws_the_leaf)
{
    Result<int> good(7);
    BOOST_TEST(static_cast<bool>(good));
    BOOST_TEST(good.value() == 7);
    BOOST_TEST(good.errorPtr() == nullptr);
    Result<int> bad(ErrorPtr(std::make_shared<LockedOut>(full())));
    BOOST_TEST(!bad);
    BOOST_TEST(bad.error().requestId() == "req-1");
    BOOST_CHECK_THROW(bad.value(), LockedOut);
}

BOOST_AUTO_TEST_SUITE_END()
