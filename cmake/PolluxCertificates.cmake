# The target pollux_certificates: makes the development certificates in POLLUX_CERTIFICATES_DIR, once for a build folder
# and again when the script has changed. What needs them takes pollux_use_certificates(target).
set(POLLUX_CERTIFICATES_DIR ${PROJECT_BINARY_DIR}/certificates)

find_program(POLLUX_BASH bash)
mark_as_advanced(POLLUX_BASH)
# The command that belongs to the library comes first, macOS having a LibreSSL of the same name; unless the library is for
# another system than this.
set(pollux_openssl_places "")
if(NOT CMAKE_CROSSCOMPILING)
    set(pollux_openssl_places ${OPENSSL_ROOT_DIR} ${OPENSSL_INCLUDE_DIR}/..)
endif()
find_program(
    POLLUX_OPENSSL openssl
    HINTS ${pollux_openssl_places}
    PATH_SUFFIXES bin)
mark_as_advanced(POLLUX_OPENSSL)

set(pollux_certificates_script ${PROJECT_SOURCE_DIR}/tools/certificates/make_certificates)
set(pollux_certificates_stamp ${PROJECT_BINARY_DIR}/certificates.stamp)

if(POLLUX_BASH AND POLLUX_OPENSSL)
    # Ten years: a build folder may be old, and nothing else would notice that its certificates have run out.
    add_custom_command(
        OUTPUT ${pollux_certificates_stamp}
        COMMAND ${CMAKE_COMMAND} -E env OPENSSL=${POLLUX_OPENSSL} ${POLLUX_BASH} ${pollux_certificates_script} --out
                ${POLLUX_CERTIFICATES_DIR} --for-tests --days 3650 --force
        COMMAND ${CMAKE_COMMAND} -E touch ${pollux_certificates_stamp}
        DEPENDS ${pollux_certificates_script}
        COMMENT "Making development certificates"
        VERBATIM)
    add_custom_target(pollux_certificates DEPENDS ${pollux_certificates_stamp})
else()
    message(STATUS "No bash or no openssl command: tools/certificates/make_certificates has to be run by hand")
    add_custom_target(pollux_certificates)
endif()

# pollux_use_certificates(target): builds the certificates before the target, which finds their folder in the macro
# POLLUX_CERTIFICATES.
function(pollux_use_certificates target)
    add_dependencies(${target} pollux_certificates)
    target_compile_definitions(${target} PRIVATE "POLLUX_CERTIFICATES=\"${POLLUX_CERTIFICATES_DIR}\"")
endfunction()
