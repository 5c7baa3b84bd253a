# The target pollux_swagger_ui: fetches Swagger UI (the npm package swagger-ui-dist) into the build folder, once. Without
# npm, or where npm reaches nothing, the examples do without its page. What shows it takes pollux_use_swagger_ui(target).
set(POLLUX_SWAGGER_UI_VERSION 5.35.0)
set(pollux_swagger_ui_root ${PROJECT_BINARY_DIR}/swagger-ui)
set(POLLUX_SWAGGER_UI_DIR ${pollux_swagger_ui_root}/node_modules/swagger-ui-dist)

find_program(POLLUX_NPM npm)
mark_as_advanced(POLLUX_NPM)

if(POLLUX_NPM)
    set(pollux_swagger_ui_stamp ${PROJECT_BINARY_DIR}/swagger-ui-${POLLUX_SWAGGER_UI_VERSION}.stamp)
    add_custom_command(
        OUTPUT ${pollux_swagger_ui_stamp}
        COMMAND ${CMAKE_COMMAND} -D NPM=${POLLUX_NPM} -D ROOT=${pollux_swagger_ui_root} -D
                VERSION=${POLLUX_SWAGGER_UI_VERSION} -P ${CMAKE_CURRENT_LIST_DIR}/fetch_swagger_ui.cmake
        COMMAND ${CMAKE_COMMAND} -E touch ${pollux_swagger_ui_stamp}
        DEPENDS ${CMAKE_CURRENT_LIST_DIR}/fetch_swagger_ui.cmake
        COMMENT "Fetching Swagger UI ${POLLUX_SWAGGER_UI_VERSION}"
        VERBATIM)
    add_custom_target(pollux_swagger_ui DEPENDS ${pollux_swagger_ui_stamp})
else()
    message(STATUS "No npm command: the HTTP examples have no page of Swagger UI")
    add_custom_target(pollux_swagger_ui)
endif()

# pollux_use_swagger_ui(target): fetches Swagger UI before the target is built, which finds its folder, or none there, in
# the macro POLLUX_SWAGGER_UI.
function(pollux_use_swagger_ui target)
    add_dependencies(${target} pollux_swagger_ui)
    target_compile_definitions(${target} PRIVATE "POLLUX_SWAGGER_UI=\"${POLLUX_SWAGGER_UI_DIR}\"")
endfunction()
