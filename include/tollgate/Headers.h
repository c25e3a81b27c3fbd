#pragma once

#include "tollgate/Export.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate {

/// HTTP fields in their order, names compared without regard to case (RFC 9110 section 5.1). All texts lie in one buffer, so
/// copying costs two allocations however many there are. Views are valid until the next change. Not synchronised.
class TOLLGATE_API Headers
{
public:
    using Field = std::pair<std::string_view, std::string_view>;

    bool empty() const noexcept { return _fields.empty(); }
    std::size_t size() const noexcept { return _fields.size(); }
    Field operator[](std::size_t index) const noexcept;

    /// The first value of that name, or nothing.
    std::optional<std::string_view> get(std::string_view name) const noexcept;
    /// The first value of that name, or `otherwise`.
    std::string_view get(std::string_view name, std::string_view otherwise) const noexcept;
    bool has(std::string_view name) const noexcept { return get(name).has_value(); }
    std::vector<std::string_view> getAll(std::string_view name) const;

    void add(std::string_view name, std::string_view value);
    /// Replaces all values of that name by one.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    void clear() noexcept;
    void reserve(std::size_t fields, std::size_t bytes);

    class TOLLGATE_API Iterator
    {
    public:
        Iterator(const Headers& owner, std::size_t index) : _owner(&owner), _index(index) {}
        Field operator*() const noexcept { return (*_owner)[_index]; }
        Iterator& operator++() noexcept { return ++_index, *this; }
        bool operator!=(const Iterator& other) const noexcept { return _index != other._index; }

    private:
        const Headers* _owner;
        std::size_t _index;
    };
    Iterator begin() const noexcept { return {*this, 0}; }
    Iterator end() const noexcept { return {*this, size()}; }

private:
    struct Span
    {
        std::uint32_t name, nameSize, value, valueSize;
    };
    std::string _text;
    std::vector<Span> _fields;
};

/// ASCII comparison without regard to case.
TOLLGATE_API bool equalsIgnoreCase(std::string_view a, std::string_view b) noexcept;

/// Whether a comma-separated field value holds this token (RFC 9110 section 5.6.1): hasToken("foo, Close", "close").
TOLLGATE_API bool hasToken(std::string_view list, std::string_view token) noexcept;

} // namespace tollgate
