#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/security/certificate_roles.h"
#include "daemon/security/peer_role.h"
#include "daemon/security/refusals.h"
#include "daemon/security/watched_files.h"

namespace weir {

/// Judges the certificates of those who dial this process. Thread safe.
class PeerCheck {
 public:
  /// Believes the authorities in `ca_file`, read again when it changes.
  static Result<std::shared_ptr<PeerCheck>> Open(const std::string& ca_file);

  struct Verdict {
    std::optional<Refusal> refusal;  ///< None: let in.
    std::string who;
    std::string reason;
  };
  /// `certificate` may be null: none was shown. `chain` is what came with it, in no order.
  Verdict Judge(X509* certificate, const std::vector<X509*>& chain, PeerRole wanted) const;

 private:
  explicit PeerCheck(std::unique_ptr<WatchedFiles<Owned<X509_STORE>>> store)
      : store_(std::move(store)) {}
  const std::unique_ptr<WatchedFiles<Owned<X509_STORE>>> store_;
};

}  // namespace weir
