// Bytes that nobody can foresee.
#include "random_bytes.h"

#include <openssl/rand.h>

#include <stdexcept>

namespace pollux {

void fill_random(MutableBytes out) {
    const int done = RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    if (done != 1) throw std::runtime_error{"OpenSSL has no random bytes"};
}

}  // namespace pollux
