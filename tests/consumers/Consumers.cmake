# Tests of the package as its users meet it: installed, moved, found by CMake and pkg-config, or taken in as a subdirectory.
# ctest -L consumers, and ctest -L docs for the examples of README.md. A build with sanitizers is not for shipping, so it has none of them.

if(TOLLGATE_SANITIZE)
    return()
endif()

function(tollgate_consumer_test name label)
    add_test(NAME ${label}-${name} COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/consumers/${name}.sh")
    set_tests_properties(${label}-${name} PROPERTIES LABELS ${label} TIMEOUT 600 ENVIRONMENT
        "SOURCE_DIR=${PROJECT_SOURCE_DIR};BUILD_DIR=${PROJECT_BINARY_DIR};VERSION=${PROJECT_VERSION};CMAKE=${CMAKE_COMMAND};CXX=${CMAKE_CXX_COMPILER};CCACHE=${TOLLGATE_CCACHE}")
endfunction()

tollgate_consumer_test(installed consumers)
tollgate_consumer_test(subdirectory consumers)
tollgate_consumer_test(readme docs)
