#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/security/certificate_roles.h"
#include "daemon/security/peer_role.h"
#include "daemon/security/watched_files.h"

namespace weir {

/// Files in PEM: who is believed, who this process is, and its proof.
struct TlsFiles {
  std::string ca;
  std::string certificate;
  std::string key;
};

/// What a process shows of itself.
struct TlsIdentity {
  Owned<X509> certificate;
  std::vector<Owned<X509>> chain;  ///< That leads from it to the authority.
  Owned<EVP_PKEY> key;
};

/// Reads both; WEIR-R003 where they are not in order or do not go together.
Result<std::shared_ptr<const TlsIdentity>> ReadIdentity(const std::string& certificate,
                                                        const std::string& key);

/// What the files say, again when they change.
Result<std::unique_ptr<WatchedFiles<TlsIdentity>>> WatchIdentity(const std::string& certificate,
                                                                 const std::string& key);

/// Ok where the three are in order, and the certificate is one with which a process of this role
/// gets on with others now: WEIR-T010 otherwise.
Status CheckTlsFiles(const TlsFiles& files, PeerRole self, EventTime now);

}  // namespace weir
