#pragma once

#include "engine/element.h"

namespace weir {

/// Takes the elements of one channel, in order: the near end of a mailbox, or of a wire. One
/// sender.
class ChannelSender {
 public:
  virtual ~ChannelSender() = default;
  /// Waits for room. False once the channel is closed: the element is dropped and the sender ends.
  virtual bool Push(Element element) = 0;
};

}  // namespace weir
