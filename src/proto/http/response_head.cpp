// Writes the head of an answer.
#include "proto/http/response_head.h"

#include <pollux/http/method.h>

namespace pollux::http {

void HeadWriter::status_line(unsigned status) noexcept {
    if (status == 200) {
        text("HTTP/1.1 200 OK\r\n");
        return;
    }
    text("HTTP/1.1 ");
    number(status);
    text(" ");
    text(reason_phrase(status));
    text("\r\n");
}

}  // namespace pollux::http
