# cmake -D NPM=… -D ROOT=… -D VERSION=… -P fetch_swagger_ui.cmake: installs the npm package swagger-ui-dist below ROOT.
# Never fails: a machine without a network builds the rest.
file(MAKE_DIRECTORY ${ROOT})
# No scripts: the package is files to be served, nothing of it is to be run here.
execute_process(
    COMMAND ${NPM} install --prefix ${ROOT} --no-save --no-package-lock --ignore-scripts --no-audit --no-fund
            swagger-ui-dist@${VERSION}
    WORKING_DIRECTORY ${ROOT}
    TIMEOUT 120
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message("Swagger UI could not be fetched (${result}): the HTTP examples have no page of it. To try again, remove "
            "the stamp file swagger-ui-${VERSION}.stamp of the build folder.\n${output}")
endif()
