#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace weir {

/// Files in PEM: who is believed, who this process is, and its proof.
struct TlsFiles {
  std::string ca;
  std::string certificate;
  std::string key;
};

/// How processes of a cluster talk to each other: the one place where it is decided. Cheap to copy.
class Transport {
 public:
  /// Readable by anyone on the way, and nobody proves who he is.
  static Transport Plain();
  /// TLS in which both sides show a certificate of `ca`; the one who dials also checks that it
  /// names the host he dialled. Files that are not in order are refused here; ones that change
  /// later are read again within ten seconds and count for new connections.
  static Result<Transport> MutualTls(const TlsFiles& files);

  bool secure() const { return secure_; }
  const std::shared_ptr<grpc::ChannelCredentials>& channel() const { return channel_; }
  const std::shared_ptr<grpc::ServerCredentials>& server() const { return server_; }

 private:
  Transport() = default;
  bool secure_ = false;
  std::shared_ptr<grpc::ChannelCredentials> channel_;
  std::shared_ptr<grpc::ServerCredentials> server_;
};

}  // namespace weir
