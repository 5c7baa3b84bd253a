# The target pollux_swagger_ui: fetches Swagger UI. What shows it takes pollux_use_swagger_ui(target).
include(${CMAKE_CURRENT_LIST_DIR}/PolluxNpmPackage.cmake)
pollux_add_npm_package(pollux_swagger_ui swagger-ui-dist 5.35.0 swagger-ui
                       "the HTTP examples have no page of Swagger UI")

# pollux_use_swagger_ui(target): fetches Swagger UI before the target is built, which finds its folder, or none there, in
# the macro POLLUX_SWAGGER_UI.
function(pollux_use_swagger_ui target)
    add_dependencies(${target} pollux_swagger_ui)
    target_compile_definitions(${target} PRIVATE "POLLUX_SWAGGER_UI=\"${pollux_swagger_ui_DIR}\"")
endfunction()
