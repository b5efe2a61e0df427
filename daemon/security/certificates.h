#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "daemon/security/peer_role.h"

namespace weir {

/// A certificate and the key that proves it, as PEM.
struct CertifiedKey {
  std::string certificate;
  std::string key;
};

struct IssueRequest {
  std::string name;
  PeerRole role = PeerRole::kWorker;
  std::vector<std::string> hosts;  ///< DNS names and IP addresses at which others dial it.
  int days = 365;
};

inline constexpr int kMostDays = 3650;

/// A new authority of a cluster: EC P-256, signs itself, may sign certificates and nothing else.
Result<CertifiedKey> MakeAuthority(const std::string& name, int days, EventTime now);

/// A certificate that the authority vouches for, with a key of its own. A manager's is for being
/// dialled, a client's for dialling, a worker's for both. Refused where the name or a host is none,
/// where it would outlive its authority, or where the authority's key is another's.
Result<CertifiedKey> Issue(const CertifiedKey& authority, const IssueRequest& request,
                           EventTime now);

/// Whether a text may name a certificate, a token or a context: letters, digits, `.`, `-`, `_`, 64
/// at most, beginning with a letter or a digit.
bool IsPlainName(const std::string& name);

}  // namespace weir
