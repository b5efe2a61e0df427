#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "batch/type.h"
#include "daemon/rpc/credentials.h"
#include "daemon/rpc/exchange.h"
#include "engine/channel.h"

namespace weir {

/// The sending side of a worker's exchange: opens channels to tasks of other workers. Thread safe.
///
/// Channels of one attempt to one worker share a connection that nothing else uses, so that a new
/// attempt begins with a new one. There is no reconnecting: a channel that breaks ends its attempt.
class ExchangeClient {
 public:
  struct Options {
    /// How long a channel may take to be accepted: longer than the receiver's patience.
    Duration patience = Duration::Seconds(15);
    /// A channel broke or was refused: once for each, with no lock held, from a thread of gRPC,
    /// which must not wait in it nor destroy the client. Not for channels that Cancel ended, though
    /// one that broke just before may be told late.
    std::function<void(const ChannelId&, const Status&)> on_broken;
  };
  ExchangeClient(Transport transport, Options options);
  /// Cancels every channel and waits until gRPC has let go of them; gives those that were ended and
  /// have sent everything a second for the receiver's answer.
  ~ExchangeClient();

  /// Opens the channel at the worker that listens on `address`, and returns at once. Push waits
  /// while the receiver has not accepted it or has no room; barriers never wait. Once the channel
  /// is broken or cancelled Push returns false, also one that waits.
  /// Destroying the sender ends the channel after all that was pushed is sent, in the background:
  /// what was pushed must end with the last barrier, otherwise the receiver takes the channel for
  /// broken. The sender may outlive the client.
  std::unique_ptr<ChannelSender> Open(const std::string& address, const ChannelId& id,
                                      const Schema& schema);
  /// Ends all channels of an attempt at once, whatever was pushed; but those that were ended and
  /// have sent everything are left to end in peace: their receiver would take them for broken.
  void Cancel(const std::string& job, AttemptId attempt);
  ExchangeCounts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
