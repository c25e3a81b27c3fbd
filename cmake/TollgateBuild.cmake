# How every target of this project is compiled: C++17, hidden symbols, the agreed warnings, ccache and sanitizers if asked for.

find_program(TOLLGATE_CCACHE ccache)
if(TOLLGATE_CCACHE AND TOLLGATE_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${TOLLGATE_CCACHE}")
endif()

if(TOLLGATE_IS_TOP_LEVEL)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
    set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
    set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
    set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
endif()

function(tollgate_compile target)
    target_compile_features(${target} PUBLIC cxx_std_17)
    set_target_properties(${target} PROPERTIES
        CXX_EXTENSIONS OFF
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON
        POSITION_INDEPENDENT_CODE ON)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
    if(TOLLGATE_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(TOLLGATE_SANITIZE)
        # GCC's analysis of uninitialised values errs on instrumented code; the plain build has it switched on.
        target_compile_options(${target} PRIVATE -fsanitize=${TOLLGATE_SANITIZE} -fno-omit-frame-pointer
            $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
        target_link_options(${target} PUBLIC -fsanitize=${TOLLGATE_SANITIZE})
    endif()
endfunction()
