#pragma once

#include <string>

#include "base/pem.h"
#include "daemon/security/peer_role.h"

namespace weir {

bool HasRole(X509& certificate, PeerRole role);
/// The roles that it has, `worker, client`; `none`.
std::string RolesOf(X509& certificate);

}  // namespace weir
