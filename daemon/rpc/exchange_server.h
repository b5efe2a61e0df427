#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "batch/type.h"
#include "daemon/rpc/exchange.h"
#include "daemon/rpc/server.h"
#include "engine/mailbox.h"

namespace weir {

/// The receiving side of a worker's exchange: takes the calls of other workers' ExchangeClients and
/// puts the elements of their channels into the mailboxes of tasks. Thread safe.
///
/// The life of a channel: the attempt expects it; a sender opens it, before or after that; elements
/// flow, each numbered, and are weighed against the channel's credit, which is given back as the
/// task takes them; the sender ends it after its last barrier, or the attempt is forgotten. All
/// other ends break it, and with it the attempt: on_broken.
///
/// No thread of gRPC ever waits here: what is on its way has been weighed against the credit, so
/// there is room for it (Mailbox::Offer). A channel holds `channel_bytes` at most, and one element
/// more where that is longer than half of them.
class ExchangeServer final : public RpcService {
 public:
  struct Options {
    size_t channel_bytes = 4 << 20;
    /// How long a sender waits for the attempt to expect its channel.
    Duration patience = Duration::Seconds(10);
    /// A channel of an attempt broke: once for each, with no lock held, from a thread of gRPC,
    /// which must not wait in it. May come late, for an attempt that was just forgotten.
    std::function<void(const ChannelId&, const Status&)> on_broken;
    /// A sender showed an attempt newer than any known one of a job that has attempts here. As
    /// on_broken.
    std::function<void(const std::string& job, AttemptId)> on_newer;
  };
  explicit ExchangeServer(Options options);
  /// The RpcServer it is a service of is gone before.
  ~ExchangeServer() override;

  /// The channel's elements go to channel `index` of `mailbox`, which lives until Forget returns.
  /// WEIR-R005 where a newer attempt of the job was seen; its senders are refused with it too.
  Status Expect(const ChannelId& id, SchemaPtr schema, Mailbox& mailbox, size_t index);
  /// Ends all channels of an attempt. Afterwards nothing touches its mailboxes, and whoever comes
  /// for it or an older one is refused with WEIR-R011, also Expect.
  void Forget(const std::string& job, AttemptId attempt);

  ExchangeCounts counts() const;

  grpc::Service& service() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
