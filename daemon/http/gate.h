#pragma once

#include <string>

#include "base/status.h"
#include "daemon/security/audit_log.h"
#include "daemon/security/refusals.h"
#include "daemon/security/tokens.h"

namespace weir {

/// Who asks, once he is let in.
struct Caller {
  std::string name;  ///< His token's, or `loopback` where nobody needs one.
  std::string from;  ///< `10.0.0.7:51234`.
};

/// What a request shows of who asks.
struct Credentials {
  std::string authorization;  ///< The header of that name.
  std::string host;           ///< As above: the name by which this process was asked.
  std::string origin;         ///< As above: whose page asks, where a browser does.
  std::string from;
  std::string request;  ///< `POST /api/v1/jobs`, for the audit log.
  bool certificate_missing = false;
};

/// Decides who may do what. Tokens are shown as `Authorization: Bearer TOKEN`. Without tokens all
/// is open to this machine; a browser on it must then not be led here by somebody else's page, by
/// its address or by a name that was made to point here. Thread safe.
class Gate {
 public:
  /// What is pointed to outlives the gate. `tokens` null: nobody needs one; `audit` null: none.
  Gate(const Tokens* tokens, Refusals& refusals, AuditLog* audit)
      : tokens_(tokens), refusals_(refusals), audit_(audit) {}

  /// WEIR-T007: not known; WEIR-T008: known, and may not; WEIR-T012: a foreign page.
  Result<Caller> Admit(const Credentials& shown, Access wanted) const;

 private:
  Result<Caller> AdmitToken(const Credentials& shown, Access wanted) const;
  Result<Caller> AdmitLocal(const Credentials& shown) const;
  void Audit(const Credentials& shown, const std::string& who, const Status& status) const;

  const Tokens* const tokens_;
  Refusals& refusals_;
  AuditLog* const audit_;
};

}  // namespace weir
