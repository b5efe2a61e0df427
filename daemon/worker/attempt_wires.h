#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rpc/exchange_client.h"
#include "daemon/rpc/exchange_server.h"
#include "engine/channel.h"

namespace weir {

/// The channels of one attempt between this worker and the others of it.
class AttemptWires final : public Wires {
 public:
  /// `addresses` are those of the attempt's hosts, in order. Client and server outlive the wires.
  AttemptWires(std::string job, AttemptId attempt, std::vector<std::string> addresses,
               ExchangeClient& client, ExchangeServer& server);
  ~AttemptWires() override;

  Status Expect(uint32_t host, const std::string& channel, SchemaPtr schema, Mailbox& mailbox,
                size_t index) override;
  std::unique_ptr<ChannelSender> Connect(uint32_t host, const std::string& channel,
                                         SchemaPtr schema) override;
  void Open() override;
  void Close() override;
  /// The host at the other end of a channel; none for one that is not of these. Thread safe.
  std::optional<uint32_t> HostBehind(const std::string& channel) const;

 private:
  class Sender;
  struct Pending {
    Sender* sender;  ///< Made by Connect; a task of the host has it, which lives until Close.
    std::string address;
    ChannelId id;
    SchemaPtr schema;
  };
  const std::string job_;
  const AttemptId attempt_;
  const std::vector<std::string> addresses_;
  ExchangeClient& client_;
  ExchangeServer& server_;
  std::vector<Pending> pending_;  ///< Until Open.
  mutable std::mutex mutex_;
  std::map<std::string, uint32_t> hosts_;  ///< Under mutex_: at the other end, by channel.
};

}  // namespace weir
