// The mailboxes of the calling thread, one for each reactor it ever talked to.
#pragma once

#include <cstdint>
#include <memory>

namespace pollux {

class Mailbox;

/// Thread-local. A thread that ends gives its mailboxes up; a reactor that is gone is forgotten when the next is added.
class ThreadMailboxes {
public:
    /// This thread's mailbox for the reactor of that number, or null.
    [[nodiscard]] static Mailbox* find(std::uint64_t reactor) noexcept;

    /// False if the thread is ending: whatever is destroyed after its mailboxes can send no more.
    [[nodiscard]] static bool add(std::uint64_t reactor, std::shared_ptr<Mailbox> mailbox);
};

}  // namespace pollux
