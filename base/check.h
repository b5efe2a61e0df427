#pragma once

#include <string_view>

namespace weir {

/// Ends the process after saying which invariant broke. A broken invariant is never handled: state
/// that can't be trusted must not reach a checkpoint, and recovery starts from the last good one.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line,
                              std::string_view detail = {});

}  // namespace weir

/// Asserts an invariant of weir's own code, in release builds too. Never used for input.
#define WEIR_CHECK(condition, ...)                                                    \
  do {                                                                                \
    if (!(condition)) [[unlikely]]                                                    \
      ::weir::CheckFailed(#condition, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)
