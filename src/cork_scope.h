// The cork of a connection's callback.
#pragma once

#include "reactor_core.h"
#include "stream_connection.h"

namespace pollux {

/// While a callback runs, what its connection sends collects in the cork; at the end it leaves in one call.
class StreamConnection::CorkScope {
public:
    explicit CorkScope(StreamConnection& connection) : connection_(connection) {
        connection.send_staged_first();
        connection.reactor_->cork().begin(connection, connection.lane_bytes());
        if (connection.tls_ != nullptr) connection.begin_records();
    }
    ~CorkScope() {
        Cork& cork = connection_.reactor_->cork();
        connection_.count_lane_messages();
        if (connection_.stage()) return;
        if (cork.size() != 0) connection_.flush_cork();
        cork.release();
        if (connection_.tls_ != nullptr) connection_.end_records();
        if (connection_.state_ != ConnectionState::closed) connection_.after_flush();
    }
    CorkScope(const CorkScope&) = delete;
    CorkScope& operator=(const CorkScope&) = delete;

private:
    StreamConnection& connection_;
};

}  // namespace pollux
