#include "base/ids.h"

#include <random>

#include <fmt/format.h>

namespace weir {

std::string RandomId() {
  std::random_device source;
  std::string id;
  for (int i = 0; i < 4; i++) id += fmt::format("{:08x}", static_cast<uint32_t>(source()));
  return id;
}

}  // namespace weir
