# To be included once Poco was found. Poco's package as Debian ships it links EXPAT::EXPAT, the name that CMake's own FindEXPAT gives.
# Where packages are preferred over find modules (Conan's toolchain does that), expat's package was found, and it says expat::expat.
if(TARGET expat::expat AND NOT TARGET EXPAT::EXPAT)
    add_library(EXPAT::EXPAT INTERFACE IMPORTED)
    set_target_properties(EXPAT::EXPAT PROPERTIES INTERFACE_LINK_LIBRARIES expat::expat)
endif()
