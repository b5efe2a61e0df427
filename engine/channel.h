#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "batch/batch.h"
#include "engine/element.h"

namespace weir {

class Mailbox;

/// Takes the elements of one channel between two tasks, in order: the near end of a mailbox, or of
/// a wire to another process. One sender.
class ChannelSender {
 public:
  virtual ~ChannelSender() = default;
  /// Waits for room. False once the channel is closed: the element is dropped and the sender ends.
  virtual bool Push(Element element) = 0;
  /// How long Push has waited for room, in all. For the sender's thread.
  Duration waited() const { return waited_; }

 protected:
  Duration waited_;
};

/// The channels between the hosts of one attempt.
class Wires {
 public:
  virtual ~Wires() = default;
  /// What a task of `host` sends over `channel` goes to channel `index` of `mailbox`, which
  /// outlives Close.
  virtual Status Expect(uint32_t host, const std::string& channel, SchemaPtr schema,
                        Mailbox& mailbox, size_t index) = 0;
  /// The near end of a channel into a task of `host`; elements leave from Open on.
  virtual std::unique_ptr<ChannelSender> Connect(uint32_t host, const std::string& channel,
                                                 SchemaPtr schema) = 0;
  /// All hosts of the attempt expect what they are sent.
  virtual void Open() = 0;
  /// Closes all of them: nobody waits in one any more. Thread safe.
  virtual void Close() = 0;
};

}  // namespace weir
