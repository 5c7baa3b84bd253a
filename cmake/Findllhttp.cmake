# Finds llhttp, as a library or as sources:
#   1. its own CMake package, or a library and header of the system (libllhttp-dev and the like),
#   2. the C sources that Debian's node-llhttp ships,
#   3. as the last resort, an official release, downloaded.
# Gives the target llhttp::llhttp. Where llhttp is built from sources, llhttp_OBJECTS names an object library whose
# objects become part of the library that uses it, so that whoever links that needs no llhttp; otherwise it is empty.
set(llhttp_OBJECTS "")

if(TARGET llhttp::llhttp)
    set(llhttp_FOUND TRUE)
    return()
endif()

# The parser is as strict as it can be. Since release 9 that is how it is always built. A macro, since a language that a
# function enables is not there outside of it.
macro(_llhttp_add_objects source_dir include_dir)
    enable_language(C)
    add_library(pollux_llhttp OBJECT ${source_dir}/api.c ${source_dir}/http.c ${source_dir}/llhttp.c)
    target_include_directories(pollux_llhttp SYSTEM PUBLIC ${include_dir})
    target_compile_definitions(pollux_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
    # Where position-independent code is asked for, what could be replaced from outside is not inlined: half as fast.
    # Its files cannot be compiled as one.
    set_target_properties(pollux_llhttp PROPERTIES C_VISIBILITY_PRESET hidden UNITY_BUILD OFF)
    add_library(llhttp::llhttp INTERFACE IMPORTED GLOBAL)
    set_target_properties(llhttp::llhttp PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${include_dir}
                                                    INTERFACE_COMPILE_DEFINITIONS LLHTTP_STRICT_MODE=1)
endmacro()

find_package(llhttp CONFIG QUIET)
foreach(candidate llhttp::llhttp_static llhttp::llhttp_shared)
    if(TARGET ${candidate} AND NOT TARGET llhttp::llhttp)
        add_library(llhttp::llhttp INTERFACE IMPORTED GLOBAL)
        set_target_properties(llhttp::llhttp PROPERTIES INTERFACE_LINK_LIBRARIES ${candidate})
    endif()
endforeach()

if(NOT TARGET llhttp::llhttp)
    find_path(llhttp_INCLUDE_DIR llhttp.h)
    find_library(llhttp_LIBRARY llhttp)
    mark_as_advanced(llhttp_INCLUDE_DIR llhttp_LIBRARY)
    if(llhttp_INCLUDE_DIR AND llhttp_LIBRARY)
        add_library(llhttp::llhttp UNKNOWN IMPORTED GLOBAL)
        set_target_properties(llhttp::llhttp PROPERTIES IMPORTED_LOCATION ${llhttp_LIBRARY}
                                                        INTERFACE_INCLUDE_DIRECTORIES ${llhttp_INCLUDE_DIR})
    endif()
endif()

if(NOT TARGET llhttp::llhttp)
    find_path(llhttp_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
    find_path(llhttp_SOURCE_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH
                                                                               NO_CMAKE_FIND_ROOT_PATH)
    mark_as_advanced(llhttp_SOURCE_DIR llhttp_SOURCE_INCLUDE_DIR)
    if(llhttp_SOURCE_DIR AND llhttp_SOURCE_INCLUDE_DIR)
        _llhttp_add_objects(${llhttp_SOURCE_DIR} ${llhttp_SOURCE_INCLUDE_DIR})
        set(llhttp_OBJECTS pollux_llhttp)
    endif()
endif()

if(NOT TARGET llhttp::llhttp)
    include(FetchContent)
    message(STATUS "llhttp is not installed: downloading a release of it")
    FetchContent_Declare(llhttp_release
                         URL "https://github.com/nodejs/llhttp/archive/refs/tags/release/v9.3.0.tar.gz")
    FetchContent_GetProperties(llhttp_release)
    if(NOT llhttp_release_POPULATED)
        FetchContent_Populate(llhttp_release)
    endif()
    _llhttp_add_objects(${llhttp_release_SOURCE_DIR}/src ${llhttp_release_SOURCE_DIR}/include)
    set(llhttp_OBJECTS pollux_llhttp)
endif()

set(llhttp_FOUND TRUE)
