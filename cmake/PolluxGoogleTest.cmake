# Finds GoogleTest, as a library or as sources:
#   1. its own CMake package, or a library of the system,
#   2. the sources that Debian's googletest ships, where a library would be of another system,
#   3. as the last resort, an official release, downloaded.
# Gives the targets GTest::gtest and GTest::gmock_main.
find_package(GTest QUIET)
if(TARGET GTest::gmock_main)
    return()
endif()

include(FetchContent)
find_path(POLLUX_GOOGLETEST_SOURCES googlemock/CMakeLists.txt PATHS /usr/src/googletest NO_DEFAULT_PATH
                                                                    NO_CMAKE_FIND_ROOT_PATH)
mark_as_advanced(POLLUX_GOOGLETEST_SOURCES)
if(POLLUX_GOOGLETEST_SOURCES)
    FetchContent_Declare(googletest SOURCE_DIR ${POLLUX_GOOGLETEST_SOURCES})
else()
    message(STATUS "GoogleTest is not installed: downloading a release of it")
    FetchContent_Declare(googletest
                         URL "https://github.com/google/googletest/archive/refs/tags/v1.17.0.tar.gz")
endif()
set(INSTALL_GTEST OFF CACHE BOOL "Pollux installs no GoogleTest")
# With MSVC: the same C library as everything else.
set(gtest_force_shared_crt ON CACHE BOOL "GoogleTest takes the DLL of the C library")
FetchContent_MakeAvailable(googletest)
foreach(library gtest gmock gtest_main gmock_main)
    if(NOT TARGET GTest::${library})
        add_library(GTest::${library} ALIAS ${library})
    endif()
endforeach()
