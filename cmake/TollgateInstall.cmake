# What is installed: libraries, headers, the CMake package, pkg-config files, the two programs. All of it may be moved afterwards.

include(CMakePackageConfigHelpers)
include(TollgatePoco)

set(TOLLGATE_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/tollgate")

# A library and its export set, so that the package can offer it as a component. Shared libraries find each other where they lie.
function(tollgate_install_library target export)
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN")
    install(TARGETS ${target} EXPORT ${export}
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    install(EXPORT ${export} NAMESPACE tollgate:: DESTINATION "${TOLLGATE_CMAKE_DIR}")
endfunction()

# A pkg-config file from cmake/<name>.pc.in. Its paths start from the place where it lies, unless the layout was given in absolute paths.
function(tollgate_install_pkgconfig name)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
        set(PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
        set(PC_LIBDIR "${CMAKE_INSTALL_FULL_LIBDIR}")
        set(PC_INCLUDEDIR "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
    else()
        file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
        string(REGEX REPLACE "/$" "" up "${up}")
        set(PC_PREFIX "\${pcfiledir}/${up}")
        set(PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
        set(PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
    endif()
    configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

# Who links a static library needs its private libraries too; a shared one brings them along. Poco has no pkg-config file.
get_target_property(TOLLGATE_LIBRARY_TYPE tollgate TYPE)
set(PC_LIBS "-lPocoNet -lPocoUtil -lPocoJSON -lPocoFoundation")
if(TOLLGATE_LIBRARY_TYPE STREQUAL "SHARED_LIBRARY")
    set(TOLLGATE_IS_SHARED TRUE)
    set(PC_REQUIRES "")
else()
    set(TOLLGATE_IS_SHARED FALSE)
    set(PC_LIBS "-lPocoNetSSL ${PC_LIBS} -pthread")
    set(PC_REQUIRES "fmt, openssl, zlib")
    set(PC_SQLITE_LIBS "-lPocoDataSQLite -lPocoData -lsqlite3")
    set(PC_REDIS_LIBS "-lPocoRedis")
endif()

tollgate_install_library(tollgate tollgateTargets)
tollgate_install_pkgconfig(tollgate)
if(TARGET tollgate_sqlite)
    tollgate_install_library(tollgate_sqlite tollgateSqliteTargets)
    tollgate_install_pkgconfig(tollgate-sqlite)
endif()
if(TARGET tollgate_redis)
    tollgate_install_library(tollgate_redis tollgateRedisTargets)
    tollgate_install_pkgconfig(tollgate-redis)
endif()
if(TARGET tollgate_testing)
    tollgate_install_library(tollgate_testing tollgateTestingTargets)
    tollgate_install_pkgconfig(tollgate-testing)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tollgate" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
else()
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tollgate" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        PATTERN testing EXCLUDE)
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/tollgateConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/tollgateConfig.cmake"
    INSTALL_DESTINATION "${TOLLGATE_CMAKE_DIR}" NO_SET_AND_CHECK_MACRO)
# As long as the version is 0.x, a new minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tollgateConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/tollgateConfig.cmake" "${PROJECT_BINARY_DIR}/tollgateConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/TollgatePoco.cmake"
    DESTINATION "${TOLLGATE_CMAKE_DIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# The command installs itself; the sandbox comes with it. Both find the libraries beside them, if those are shared.
if(TARGET tollgate-sandbox)
    install(TARGETS tollgate-sandbox RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
file(RELATIVE_PATH TOLLGATE_BIN_TO_LIB "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
foreach(program tollgate_command tollgate-sandbox)
    if(TARGET ${program})
        set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/${TOLLGATE_BIN_TO_LIB}")
    endif()
endforeach()
