#include "daemon/security/certificate_roles.h"

#include <string_view>

namespace weir {

bool HasRole(X509& certificate, PeerRole role) {
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  const std::string wanted = UriOf(role);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); i++) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    // By length too: a NUL inside must not end the comparison.
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                static_cast<size_t>(ASN1_STRING_length(uri)));
    if (text == wanted) return true;
  }
  return false;
}

std::string RolesOf(X509& certificate) {
  std::string roles;
  for (PeerRole role : kPeerRoles) {
    if (HasRole(certificate, role))
      roles += (roles.empty() ? "" : ", ") + std::string(NameOf(role));
  }
  return roles.empty() ? "none" : roles;
}

}  // namespace weir
