#pragma once

#include <optional>

#include "config/spec.h"
#include "operators/window_math.h"

namespace weir {

/// `hopping: { size: 1m, every: 10s }`.
struct HoppingSpec {
  Duration size;
  Duration every;
  static const Spec<HoppingSpec>& Describe();
};

/// `session: { gap: 1s }`.
struct SessionSpec {
  Duration gap;
  std::optional<Duration> max;
  static const Spec<SessionSpec>& Describe();
};

/// The value of `window`: one kind of windows, and where they begin.
struct WindowSpec {
  std::optional<Duration> tumbling;
  std::optional<HoppingSpec> hopping;
  std::optional<SessionSpec> session;
  Duration offset;
  static const Spec<WindowSpec>& Describe();
};

}  // namespace weir
