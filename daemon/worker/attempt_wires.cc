#include "daemon/worker/attempt_wires.h"

namespace weir {

/// A sender that is opened when all hosts expect what they are sent, and not before: the receiver's
/// patience does not begin while its tasks are still being restored.
class AttemptWires::Sender final : public ChannelSender {
 public:
  bool Push(Element element) override { return opened_ && opened_->Push(std::move(element)); }
  void Open(std::unique_ptr<ChannelSender> opened) { opened_ = std::move(opened); }

 private:
  std::unique_ptr<ChannelSender> opened_;
};

AttemptWires::AttemptWires(std::string job, AttemptId attempt, std::vector<std::string> addresses,
                           ExchangeClient& client, ExchangeServer& server)
    : job_(std::move(job)),
      attempt_(attempt),
      addresses_(std::move(addresses)),
      client_(client),
      server_(server) {}

AttemptWires::~AttemptWires() { Close(); }

Status AttemptWires::Expect(uint32_t host, const std::string& channel, SchemaPtr schema,
                            Mailbox& mailbox, size_t index) {
  {
    std::lock_guard lock(mutex_);
    hosts_[channel] = host;
  }
  return server_.Expect({job_, attempt_, channel}, std::move(schema), mailbox, index);
}

std::unique_ptr<ChannelSender> AttemptWires::Connect(uint32_t host, const std::string& channel,
                                                     SchemaPtr schema) {
  {
    std::lock_guard lock(mutex_);
    hosts_[channel] = host;
  }
  auto sender = std::make_unique<Sender>();
  pending_.push_back(
      {sender.get(), addresses_.at(host), {job_, attempt_, channel}, std::move(schema)});
  return sender;
}

void AttemptWires::Open() {
  for (Pending& one : pending_) {
    one.sender->Open(client_.Open(one.address, one.id, *one.schema));
  }
  pending_.clear();
}

std::optional<uint32_t> AttemptWires::HostBehind(const std::string& channel) const {
  std::lock_guard lock(mutex_);
  const auto it = hosts_.find(channel);
  return it == hosts_.end() ? std::nullopt : std::optional(it->second);
}

void AttemptWires::Close() {
  client_.Cancel(job_, attempt_);
  server_.Forget(job_, attempt_);
}

}  // namespace weir
