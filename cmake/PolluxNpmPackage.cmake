# pollux_add_npm_package(target package version folder loss): the target fetches an npm package into that folder of the
# build folder, once, and <target>_DIR is where it is then. Without npm, or where npm reaches nothing, it is not there:
# `loss` says what is missing then, and the build goes on.
find_program(POLLUX_NPM npm)
mark_as_advanced(POLLUX_NPM)

set(POLLUX_FETCH_NPM_PACKAGE ${CMAKE_CURRENT_LIST_DIR}/fetch_npm_package.cmake)

function(pollux_add_npm_package target package version folder loss)
    set(root ${PROJECT_BINARY_DIR}/${folder})
    set(${target}_DIR ${root}/node_modules/${package} PARENT_SCOPE)
    if(NOT POLLUX_NPM)
        message(STATUS "No npm command: ${loss}")
        add_custom_target(${target})
        return()
    endif()
    set(stamp ${root}-${version}.stamp)
    add_custom_command(
        OUTPUT ${stamp}
        COMMAND ${CMAKE_COMMAND} -D NPM=${POLLUX_NPM} -D ROOT=${root} -D PACKAGE=${package} -D VERSION=${version} -D
                LOSS=${loss} -P ${POLLUX_FETCH_NPM_PACKAGE}
        COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
        DEPENDS ${POLLUX_FETCH_NPM_PACKAGE}
        COMMENT "Fetching ${package} ${version}"
        VERBATIM)
    add_custom_target(${target} DEPENDS ${stamp})
endfunction()
