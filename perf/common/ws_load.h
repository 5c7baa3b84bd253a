// What the WebSocket loads share. They speak the protocol themselves, over plain connections, as little of it as there
// is: it is the server that is measured.
#pragma once

#include <string>
#include <string_view>

#include "load.h"
#include "options.h"
#include "pattern.h"
#include "wire.h"

namespace perf {

/// What all clients of a load share.
struct WsPlan {
    WsPlan(const Options& options, Wire wire);

    std::string request;  ///< That opens the WebSocket.
    Pattern from_client;  ///< What clients send, in frames.
    Pattern from_server;  ///< What they receive, likewise.
};

/// A client that is a WebSocket. It is connected when the server has switched protocols.
class WsLoadHandler : public LoadHandler {
public:
    WsLoadHandler(Load& load, const WsPlan& plan) : LoadHandler(load), plan_(&plan) {}

    void on_open(pollux::Connection& connection) final;
    void on_data(pollux::Connection& connection, pollux::Bytes data) final;
    void on_close(pollux::Connection& connection, pollux::CloseReason reason, std::error_code error) final;

protected:
    /// Pieces of the stream of frames, none of them empty.
    virtual void on_frames(pollux::Connection& connection, pollux::Bytes data) = 0;

    [[nodiscard]] const WsPlan& plan() const { return *plan_; }

    /// Counts the messages that are complete with `size` bytes; returns how many.
    std::size_t count(std::size_t size);

private:
    void read_answer(pollux::Connection& connection, std::string_view data);

    const WsPlan* plan_;
    bool upgraded_ = false;
    std::string answer_;                // until it is complete
    std::size_t incomplete_bytes_ = 0;  // of a frame that has come in part
};

}  // namespace perf
