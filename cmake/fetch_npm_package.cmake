# cmake -D NPM=… -D ROOT=… -D PACKAGE=… -D VERSION=… -D LOSS=… -P fetch_npm_package.cmake: installs a package below
# ROOT. Never fails: a machine without a network builds the rest, and LOSS says what there is not then.
file(MAKE_DIRECTORY ${ROOT})
# No scripts: what a package runs when it is installed is not wanted here.
execute_process(
    COMMAND ${NPM} install --prefix ${ROOT} --no-save --no-package-lock --ignore-scripts --no-audit --no-fund
            ${PACKAGE}@${VERSION}
    WORKING_DIRECTORY ${ROOT}
    TIMEOUT 120
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message("The npm package ${PACKAGE} could not be fetched (${result}): ${LOSS}. To try again, remove the stamp file "
            "${ROOT}-${VERSION}.stamp.\n${output}")
endif()
