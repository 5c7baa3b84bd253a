// How to make the user's handlers, known to code that does not know their types.
#pragma once

#include <cstddef>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

namespace pollux::detail {

/// An `H` can be made from copies of such arguments, again and again.
template <class H, class... Arguments>
concept MadeFrom = std::is_constructible_v<H, const std::decay_t<Arguments>&...>;

/// How to make a handler, a `Base`, in memory that the reactor provides. Recorded once by `Server<H>`, `Client<H>` and
/// `Udp<H>`, so the code behind them is compiled once.
template <class Base>
struct HandlerFactory {
    std::size_t size = 0;
    std::size_t alignment = 0;
    std::function<Base*(void*)> construct;

    /// A factory for `H(arguments...)`. The arguments are copied and reused for every handler; pass `std::ref` to
    /// share.
    template <class H, class... Arguments>
    static HandlerFactory of(Arguments&&... arguments) {
        static_assert(
            std::is_base_of_v<Base, H>,
            "a handler derives from pollux::ConnectionHandler, for UDP from pollux::DatagramHandler, for HTTP from "
            "pollux::http::Handler, for WebSocket from pollux::ws::Handler");
        static_assert(alignof(H) <= 16, "a handler's alignment is at most 16 bytes");
        return {sizeof(H), alignof(H),
                [... copies = std::decay_t<Arguments>(std::forward<Arguments>(arguments))](void* memory) {
                    return static_cast<Base*>(::new (memory) H(copies...));
                }};
    }
};

}  // namespace pollux::detail
