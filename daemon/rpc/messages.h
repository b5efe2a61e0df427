#pragma once

#include <functional>
#include <memory>

#include "base/status.h"

namespace weir {

/// The near end of a stream of messages to another process. Thread safe; never waits. What is sent
/// after the stream has ended is dropped.
template <typename Out>
class MessageSender {
 public:
  virtual ~MessageSender() = default;
  virtual void Send(Out message) = 0;
  /// Ends the stream from this side, once what was sent has left.
  virtual void Close() = 0;
};

/// What becomes of messages that come. Called from the wire's threads, one call at a time; must not
/// block.
template <typename In>
struct MessageHandler {
  std::function<void(In)> on_message;
  /// The last call: the other side has ended the stream (ok), or it broke.
  std::function<void(Status)> on_end;
};

}  // namespace weir
