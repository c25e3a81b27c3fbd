#pragma once

#include "BentoStore.h"

#include <Poco/JSON/Object.h>

#include <string>

namespace tollgate::testing::sandbox {

/// What became of one row of a batch.
struct Row
{
    BentoStore::Change change;
    std::string error;     ///< why the row is rejected; empty if it is not
    std::string uniqueKey; ///< events: details.unique.key
};

/// A row of /batch/subscribers: email, tags and remove_tags as comma lists, any other member a custom field.
Row subscriberRow(const Poco::JSON::Object::Ptr& item);

/// A row of /batch/events, with what the reserved types do to the subscriber.
Row eventRow(const Poco::JSON::Object::Ptr& item);

/// An item of /fetch/commands.
Row commandRow(const Poco::JSON::Object::Ptr& item);

} // namespace tollgate::testing::sandbox
