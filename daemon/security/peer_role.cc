#include "daemon/security/peer_role.h"

namespace weir {

std::string_view NameOf(PeerRole role) {
  switch (role) {
    case PeerRole::kManager:
      return "manager";
    case PeerRole::kWorker:
      return "worker";
    case PeerRole::kClient:
      return "client";
  }
  return "";
}

std::optional<PeerRole> PeerRoleNamed(std::string_view name) {
  for (PeerRole role : kPeerRoles) {
    if (NameOf(role) == name) return role;
  }
  return std::nullopt;
}

std::string UriOf(PeerRole role) { return "weir:role:" + std::string(NameOf(role)); }

}  // namespace weir
