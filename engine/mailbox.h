#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/time.h"
#include "engine/channel.h"
#include "engine/element.h"

namespace weir {

/// The input of one task: a bounded queue for each channel. Many tasks push, one pops.
///
/// Each channel may hold `channel_bytes` of batches; a batch more than that is taken when the
/// channel is empty, so that none is too large to travel. Watermarks and barriers weigh nothing:
/// they are few, and a barrier that could not be queued would tie a knot between tasks.
class Mailbox {
 public:
  Mailbox(size_t channels, size_t channel_bytes);

  /// Waits for room, and adds that time to `waited` if given. False once the mailbox is closed: the
  /// element is dropped and the sender ends.
  bool Push(size_t channel, Element element, Duration* waited = nullptr);
  /// Takes an element at once, whatever the channel holds: for a sender that keeps to a bound of
  /// its own and must not wait, as the receiving end of a wire. `taken` runs when the task has
  /// taken the element, in its thread and with no lock held; never where the mailbox is closed
  /// before.
  bool Offer(size_t channel, Element element, std::function<void()> taken);

  struct Delivery {
    size_t channel = 0;
    Element element;
  };
  /// The next element of a channel that is not blocked, round robin; none within `wait`, or when
  /// the mailbox is closed.
  std::optional<Delivery> Pop(Duration wait);

  /// A blocked channel keeps its elements: it gave its barrier and waits for the others. Only the
  /// popping task calls these.
  void Block(size_t channel);
  void UnblockAll();

  /// Ends all waiting, for good.
  void Close();
  bool closed() const;
  size_t channels() const { return queues_.size(); }

 private:
  struct Entry {
    Element element;
    std::function<void()> taken;  ///< Null: pushed.
  };
  struct Queue {
    std::deque<Entry> elements;
    size_t bytes = 0;
    bool blocked = false;
  };
  static size_t BytesOf(const Element& element);

  const size_t channel_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::vector<Queue> queues_;
  size_t next_ = 0;
  bool closed_ = false;
};

/// The near end of one channel of a mailbox in the same process.
class MailboxSender final : public ChannelSender {
 public:
  /// `mailbox` outlives the sender.
  MailboxSender(Mailbox& mailbox, size_t channel) : mailbox_(mailbox), channel_(channel) {}
  bool Push(Element element) override {
    return mailbox_.Push(channel_, std::move(element), &waited_);
  }

 private:
  Mailbox& mailbox_;
  const size_t channel_;
};

}  // namespace weir
