#include "engine/mailbox.h"

namespace weir {

Mailbox::Mailbox(size_t channels, size_t channel_bytes)
    : channel_bytes_(channel_bytes), queues_(channels) {}

size_t Mailbox::BytesOf(const Element& element) {
  const Rows* rows = std::get_if<Rows>(&element);
  return rows ? rows->batch->MemoryBytes() : 0;
}

bool Mailbox::Push(size_t channel, Element element, Duration* waited) {
  const size_t bytes = BytesOf(element);
  {
    std::unique_lock lock(mutex_);
    Queue& queue = queues_[channel];
    const auto has_room = [&] {
      return closed_ || bytes == 0 || queue.bytes == 0 || queue.bytes + bytes <= channel_bytes_;
    };
    if (!has_room()) {
      const Duration before = SystemClock().Monotonic();
      not_full_.wait(lock, has_room);
      if (waited) waited->us += SystemClock().Monotonic().us - before.us;
    }
    if (closed_) return false;
    queue.bytes += bytes;
    queue.elements.push_back({std::move(element), nullptr});
  }
  not_empty_.notify_one();
  return true;
}

bool Mailbox::Offer(size_t channel, Element element, std::function<void()> taken) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    Queue& queue = queues_[channel];
    queue.bytes += BytesOf(element);
    queue.elements.push_back({std::move(element), std::move(taken)});
  }
  not_empty_.notify_one();
  return true;
}

std::optional<Mailbox::Delivery> Mailbox::Pop(Duration wait) {
  std::optional<Delivery> delivery;
  std::function<void()> taken;
  bool freed = false;
  {
    std::unique_lock lock(mutex_);
    const auto ready = [&]() -> Queue* {
      for (size_t i = 0; i < queues_.size(); i++) {
        const size_t channel = (next_ + i) % queues_.size();
        Queue& queue = queues_[channel];
        if (queue.blocked || queue.elements.empty()) continue;
        next_ = channel;
        return &queue;
      }
      return nullptr;
    };
    Queue* queue = nullptr;
    not_empty_.wait_for(lock, wait.ToChrono(), [&] { return closed_ || (queue = ready()); });
    if (closed_ || !queue) return std::nullopt;
    Entry& entry = queue->elements.front();
    delivery.emplace(Delivery{next_, std::move(entry.element)});
    taken = std::move(entry.taken);
    queue->elements.pop_front();
    const size_t bytes = BytesOf(delivery->element);
    queue->bytes -= bytes;
    freed = bytes > 0;
    next_ = (next_ + 1) % queues_.size();
  }
  if (freed) not_full_.notify_all();
  if (taken) taken();
  return delivery;
}

void Mailbox::Block(size_t channel) {
  std::lock_guard lock(mutex_);
  queues_[channel].blocked = true;
}

void Mailbox::UnblockAll() {
  std::lock_guard lock(mutex_);
  for (Queue& queue : queues_) queue.blocked = false;
}

void Mailbox::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  not_empty_.notify_all();
  not_full_.notify_all();
}

bool Mailbox::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace weir
