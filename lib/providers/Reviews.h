#pragma once

#include "tollgate/Client.h"

#include <optional>
#include <string>

namespace tollgate::providers {

/// What each provider's pages say about its failures, one row of their tables a status. See Client.h, Review.
std::optional<Finding> reviewBento(const Response& response);
std::optional<Finding> reviewBentoo(const Response& response);
std::optional<Finding> reviewBando(const Response& response);
std::optional<Finding> reviewChatbot(const Response& response);

/// An answer that did not come from the API but from what stands before it: an HTML page or BLOCKED, on any status, 2xx too. Not
/// from 500 on and not with 429, where gateways answer with pages too and the status says enough.
bool isStopped(const Response& response);
/// The Finding for that; `hint` is the provider's advice.
Finding stopped(const Response& response, const std::string& provider, const std::string& hint, const std::string& support);

/// A finding that keeps the type of its status: `message` with the server's own words behind it.
Finding explained(const Response& response, const std::string& message, const std::string& hint, const std::string& support = {});

} // namespace tollgate::providers
