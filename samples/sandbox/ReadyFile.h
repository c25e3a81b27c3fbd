#pragma once

#include "tollgate/testing/Sandbox.h"

#include <string>

/// What scripts need to use a running sandbox: one JSON object with base URLs and keys, as DESIGN section 5.1 promises.
std::string readyJson(const tollgate::testing::Sandbox& sandbox);

/// A file that appears whole (mode 0600, renamed into place) and goes with this object.
class ReadyFile
{
public:
    /// Throws std::system_error.
    ReadyFile(std::string path, const std::string& content);
    ~ReadyFile();
    ReadyFile(const ReadyFile&) = delete;
    ReadyFile& operator=(const ReadyFile&) = delete;

private:
    std::string _path;
};
