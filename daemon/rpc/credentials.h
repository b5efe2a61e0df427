#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "daemon/security/peer_role.h"
#include "daemon/security/refusals.h"
#include "daemon/security/tls_files.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace weir {

/// How processes of a cluster talk to each other: the one place where it is decided. Cheap to copy.
class Transport {
 public:
  /// Readable by anyone on the way, and nobody proves who he is.
  static Transport Plain();
  /// TLS in which both sides show a certificate of `ca`. Who is dialled must name the host that was
  /// dialled, and have the role he was dialled for; who dials must be a worker: nobody else does in
  /// a cluster. Others are refused before a word is said, and told to `refusals`. Files that are
  /// not in order, or not those of a process of role `self`, are refused here; ones that change
  /// later are read again within a second or two and count for new connections.
  static Result<Transport> MutualTls(const TlsFiles& files, PeerRole self,
                                     std::shared_ptr<Refusals> refusals);

  bool secure() const { return secure_; }
  /// For dialling a process of that role: a manager or a worker.
  const std::shared_ptr<grpc::ChannelCredentials>& channel(PeerRole peer) const {
    return peer == PeerRole::kManager ? to_manager_ : to_worker_;
  }
  const std::shared_ptr<grpc::ServerCredentials>& server() const { return server_; }

 private:
  Transport() = default;
  bool secure_ = false;
  std::shared_ptr<grpc::ChannelCredentials> to_manager_;
  std::shared_ptr<grpc::ChannelCredentials> to_worker_;
  std::shared_ptr<grpc::ServerCredentials> server_;
};

}  // namespace weir
