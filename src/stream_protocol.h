// What a protocol with messages has a say in on its connection.
#pragma once

#include <cstdint>

#include <pollux/bytes.h>
#include <pollux/error.h>

namespace pollux {

/// Set on a connection by whoever frames what is sent on it. Called on the reactor's thread; nothing here may call a
/// handler of the user's.
class StreamProtocol {
public:
    /// The connection is to be closed gracefully. True: the protocol says farewell first and closes the connection
    /// itself, when its peer has answered or did not in time. False: nothing is left to say.
    [[nodiscard]] virtual bool on_close_asked(CloseReason reason) = 0;

    /// What somebody who has the connection's id wants sent: a message of a kind that the protocol knows. `promised`:
    /// it comes from another thread, which was told that it is accepted.
    virtual Result send_message(std::uint8_t kind, Bytes body, bool promised) = 0;

protected:
    ~StreamProtocol() = default;
};

}  // namespace pollux
