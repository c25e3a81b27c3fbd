#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace tollgate::testing {

/// A folder of its own for one test, gone with it.
class Folder
{
public:
    Folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "tollgate-stores-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder can be made");
        _path = name;
    }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(_path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::filesystem::path& path() const { return _path; }
    std::string operator/(const std::string& name) const { return (_path / name).string(); }

private:
    std::filesystem::path _path;
};

} // namespace tollgate::testing
