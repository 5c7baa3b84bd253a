// The mailboxes of the calling thread.
#include "thread_mailboxes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mailbox.h"

namespace pollux {

namespace {

struct Entry {
    std::uint64_t reactor;
    std::shared_ptr<Mailbox> mailbox;
};

struct Entries {
    std::vector<Entry> list;
    ~Entries();
};

// The last one that was asked for, apart from the list: it has no constructor, so looking at it needs no guard.
struct Last {
    std::uint64_t reactor;
    Mailbox* mailbox;
};
thread_local Last last{0, nullptr};
thread_local bool ended = false;
thread_local Entries entries;

Entries::~Entries() {
    last = {0, nullptr};
    ended = true;
    for (const Entry& entry : list) entry.mailbox->abandon_producer();
}

}  // namespace

Mailbox* ThreadMailboxes::find(std::uint64_t reactor) noexcept {
    if (last.reactor == reactor) return last.mailbox;
    if (ended) return nullptr;
    const auto found = std::find_if(entries.list.begin(), entries.list.end(),
                                    [reactor](const Entry& entry) { return entry.reactor == reactor; });
    if (found == entries.list.end()) return nullptr;
    last = {reactor, found->mailbox.get()};
    return last.mailbox;
}

bool ThreadMailboxes::add(std::uint64_t reactor, std::shared_ptr<Mailbox> mailbox) {
    if (ended) return false;
    std::erase_if(entries.list, [](const Entry& entry) { return entry.mailbox->consumer_gone(); });
    last = {reactor, mailbox.get()};
    entries.list.push_back({reactor, std::move(mailbox)});
    return true;
}

}  // namespace pollux
