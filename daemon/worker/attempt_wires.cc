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

Status AttemptWires::Expect(const std::string& channel, SchemaPtr schema, Mailbox& mailbox,
                            size_t index) {
  return server_.Expect({job_, attempt_, channel}, std::move(schema), mailbox, index);
}

std::unique_ptr<ChannelSender> AttemptWires::Connect(uint32_t host, const std::string& channel,
                                                     SchemaPtr schema) {
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

void AttemptWires::Close() {
  client_.Cancel(job_, attempt_);
  server_.Forget(job_, attempt_);
}

}  // namespace weir
