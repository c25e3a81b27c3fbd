#pragma once

#include "tollgate/Error.h"

#include <memory>
#include <utility>
#include <variant>

namespace tollgate {

/// A value or the error that took its place; what the non-throwing twins answer. The error holds the response too, if there was
/// one.
template <class T>
class Result
{
public:
    Result(T value) : _content(std::move(value)) {}
    Result(ErrorPtr error) : _content(std::move(error)) {}

    explicit operator bool() const noexcept { return std::holds_alternative<T>(_content); }

    /// The value; throws the error, as its own type, if there is none.
    T& value() &
    {
        check();
        return std::get<T>(_content);
    }
    const T& value() const&
    {
        check();
        return std::get<T>(_content);
    }
    T value() &&
    {
        check();
        return std::get<T>(std::move(_content));
    }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    /// The error; only if the result is false.
    const Error& error() const { return *std::get<ErrorPtr>(_content); }
    ErrorPtr errorPtr() const { return *this ? nullptr : std::get<ErrorPtr>(_content); }

private:
    void check() const
    {
        if (!*this) std::get<ErrorPtr>(_content)->rethrow();
    }
    std::variant<T, ErrorPtr> _content;
};

} // namespace tollgate
