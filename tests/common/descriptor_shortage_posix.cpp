// RLIMIT_NOFILE.
#include "common/descriptor_shortage.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace pollux::test {
namespace {

int highest_descriptor() {
    const int next = ::dup(0);
    ::close(next);
    int highest = next;
    for (int descriptor = next; descriptor < next + 4096; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) >= 0) highest = descriptor;
    }
    return highest;
}

}  // namespace

struct DescriptorShortage::State {
    rlimit before{};
    std::vector<int> taken;
    bool complete = false;
};

bool DescriptorShortage::possible() {
    return true;
}

DescriptorShortage::DescriptorShortage(std::size_t unused) : state_(std::make_unique<State>()) {
    ::getrlimit(RLIMIT_NOFILE, &state_->before);
    rlimit lower = state_->before;
    lower.rlim_cur = static_cast<rlim_t>(highest_descriptor()) + static_cast<rlim_t>(unused);
    if (::setrlimit(RLIMIT_NOFILE, &lower) != 0) return;
    for (int descriptor = ::dup(0); descriptor >= 0; descriptor = ::dup(0)) state_->taken.push_back(descriptor);
    state_->complete = errno == EMFILE;
}

DescriptorShortage::~DescriptorShortage() {
    give_back();
    ::setrlimit(RLIMIT_NOFILE, &state_->before);
}

bool DescriptorShortage::complete() const {
    return state_->complete;
}

void DescriptorShortage::give_back(std::size_t count) {
    for (count = std::min(count, state_->taken.size()); count > 0; --count) {
        ::close(state_->taken.back());
        state_->taken.pop_back();
    }
}

}  // namespace pollux::test
