# What `cmake --install` puts where: library, headers, CMake package, pkg-config file.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(
    TARGETS pollux
    EXPORT PolluxTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
    DIRECTORY ${PROJECT_SOURCE_DIR}/include/pollux
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING
    PATTERN "*.h")

set(pollux_package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/Pollux)

# Objects of llhttp are in the library; a library of it has to be found again by whoever links this one.
set(pollux_find_llhttp "")
set(pollux_pc_llhttp "")
if(NOT llhttp_OBJECTS)
    set(pollux_find_llhttp
        "list(APPEND CMAKE_MODULE_PATH \"\${CMAKE_CURRENT_LIST_DIR}\")\nfind_dependency(llhttp MODULE)")
    set(pollux_pc_llhttp "-lllhttp")
    install(FILES ${PROJECT_SOURCE_DIR}/cmake/Findllhttp.cmake DESTINATION ${pollux_package_directory})
endif()
configure_package_config_file(cmake/PolluxConfig.cmake.in ${PROJECT_BINARY_DIR}/PolluxConfig.cmake
                              INSTALL_DESTINATION ${pollux_package_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/PolluxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/PolluxConfig.cmake ${PROJECT_BINARY_DIR}/PolluxConfigVersion.cmake
        DESTINATION ${pollux_package_directory})
install(
    EXPORT PolluxTargets
    NAMESPACE pollux::
    DESTINATION ${pollux_package_directory})

# The pkg-config file finds its prefix from where it lies, so the tree may be moved and `--prefix` may be given late.
set(pollux_pc_directory ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE "${pollux_pc_directory}")
    set(pollux_pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
    file(RELATIVE_PATH pollux_pc_prefix "/prefix/${pollux_pc_directory}" "/prefix")
    string(REGEX REPLACE "/$" "" pollux_pc_prefix "\${pcfiledir}/${pollux_pc_prefix}")
endif()
foreach(directory LIBDIR INCLUDEDIR)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${directory}}")
        set(pollux_pc_${directory} ${CMAKE_INSTALL_${directory}})
    else()
        set(pollux_pc_${directory} "\${prefix}/${CMAKE_INSTALL_${directory}}")
    endif()
endforeach()
string(STRIP "-L\${libdir} -lpollux ${pollux_pc_llhttp} ${CMAKE_THREAD_LIBS_INIT}" pollux_pc_libs)
configure_file(cmake/pollux.pc.in ${PROJECT_BINARY_DIR}/pollux.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pollux.pc DESTINATION ${pollux_pc_directory})
