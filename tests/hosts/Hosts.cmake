# The host program that is hostile to its guest: test-hosts starts it once for each of its states.
add_executable(test-hostile-host hosts/host/main.cpp hosts/host/States.cpp)
tollgate_compile(test-hostile-host)
target_include_directories(test-hostile-host PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(test-hostile-host PRIVATE tollgate Poco::NetSSL OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
add_dependencies(test-hosts test-hostile-host)
