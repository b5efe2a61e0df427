#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace weir {

/// A record (or row) that a node would not take, before the node's `on_error` is asked.
struct Rejection {
  uint32_t record = 0;    ///< Index into what was given.
  const ErrorCode* code;  ///< E.g. WEIR-F002.
  std::string reason;     ///< One sentence with the field and the value that broke it.
};

}  // namespace weir
