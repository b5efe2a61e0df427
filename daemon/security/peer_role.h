#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// What the holder of a certificate is in a cluster. A certificate says it by the URI
/// `weir:role:manager`, `weir:role:worker` or `weir:role:client` among its subject's alternative
/// names; it may say more than one.
enum class PeerRole { kManager, kWorker, kClient };

inline constexpr std::array kPeerRoles = {PeerRole::kManager, PeerRole::kWorker, PeerRole::kClient};

/// `worker`.
std::string_view NameOf(PeerRole role);
std::optional<PeerRole> PeerRoleNamed(std::string_view name);
/// `weir:role:worker`.
std::string UriOf(PeerRole role);

}  // namespace weir
