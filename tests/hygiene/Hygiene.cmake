# Programs of the hygiene room beside its tests.

# What the libraries call is read from their object files, and what a program calls that does not behave, for comparison.
set(libraries "$<TARGET_FILE:tollgate>")
foreach(store tollgate_sqlite tollgate_redis)
    if(TARGET ${store})
        string(APPEND libraries ":$<TARGET_FILE:${store}>")
        add_dependencies(test-hygiene ${store})
    endif()
endforeach()
add_dependencies(test-hygiene test-hostile-host)
target_compile_definitions(test-hygiene PRIVATE
    TOLLGATE_NM="${CMAKE_NM}" TOLLGATE_LIBRARIES="${libraries}" TOLLGATE_HOSTILE_HOST="$<TARGET_FILE:test-hostile-host>")

# In a process of its own the first use of the library is seen, too; within the room others have used it before.
add_test(NAME host-state COMMAND test-hygiene --log_level=test_suite --run_test=HostStateTest/the_state_of_the_process_stays_as_it_was)
set_tests_properties(host-state PROPERTIES LABELS hosts TIMEOUT 120)

# A long run with faults: the process must not grow. ctest runs a short one; see tollgate-soak --help.
file(GLOB soak_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/soak/*.cpp)
if(soak_sources)
    find_package(CLI11 REQUIRED)
    add_executable(tollgate-soak ${soak_sources})
    tollgate_compile(tollgate-soak)
    target_include_directories(tollgate-soak PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/lib)
    target_link_libraries(tollgate-soak PRIVATE tollgate OpenSSL::SSL OpenSSL::Crypto fmt::fmt Threads::Threads CLI11::CLI11)
    set(soak_requests 20000)
    if(TOLLGATE_SANITIZE)
        set(soak_requests 2000)
    endif()
    add_test(NAME soak COMMAND tollgate-soak --requests ${soak_requests})
    set_tests_properties(soak PROPERTIES LABELS "hosts;soak" TIMEOUT 300)
endif()
