#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace weir {

void CheckFailed(const char* condition, const char* file, int line, std::string_view detail) {
  std::fprintf(stderr, "weir: broken invariant at %s:%d: %s %.*s\n", file, line, condition,
               static_cast<int>(detail.size()), detail.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace weir
