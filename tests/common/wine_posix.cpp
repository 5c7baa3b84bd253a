// Whether Windows is Wine's: it is no Windows.
#include "common/wine.h"

namespace pollux::test {

bool under_wine() {
    return false;
}

}  // namespace pollux::test
