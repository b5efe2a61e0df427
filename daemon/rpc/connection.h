#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "base/time.h"
#include "daemon/rpc/credentials.h"

namespace grpc {
class Channel;
class ServerBuilder;
class Status;
}  // namespace grpc

namespace weir {

/// The largest message that any process of a cluster takes.
inline constexpr size_t kMostMessageBytes = 65 << 20;

/// A peer is asked for a sign of life after so long a silence, and has so long to give it.
inline constexpr Duration kKeepalive = Duration::Seconds(2);
inline constexpr Duration kKeepaliveAnswer = Duration::Seconds(3);
/// So a peer that hangs counts as gone after this.
inline constexpr Duration kPeerGoneAfter{kKeepalive.us + kKeepaliveAnswer.us};

/// Ok where `address` is `host:port`, `1.2.3.4:port` or `[::1]:port`.
Status CheckAddress(const std::string& address);

/// A new connection to the process of role `peer` at `address`, not shared with anyone; made when
/// first used. A peer that says nothing for kPeerGoneAfter counts as gone, also while it is
/// dialled, and calls on it fail. The last owner must not drop it within a reaction of gRPC: it
/// waits for the threads that run those.
std::shared_ptr<grpc::Channel> Connect(const std::string& address, const Transport& transport,
                                       PeerRole peer);

/// The same limits for the side that is dialled.
void SetLimits(grpc::ServerBuilder& builder);

/// A Status as the peer of a call is told it, with its code; and as it was told by the peer
/// `place`. What gRPC itself says (nobody listens there, the connection broke) is WEIR-R004.
grpc::Status ToGrpc(const Status& status);
Status FromGrpc(const grpc::Status& status, const std::string& place);

}  // namespace weir
