#pragma once

#include <fstream>
#include <map>
#include <string>

#include "daemon/security/certificates.h"
#include "daemon/security/tls_files.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir::testing {

/// Authorities and certificates made by them for 127.0.0.1, in a folder that goes with the test.
class Certificates {
 public:
  /// The files of one of that authority, which is made when it is first named.
  TlsFiles Make(const std::string& authority, PeerRole role, const std::string& host = "127.0.0.1",
                EventTime now = SystemClock().Now(), int days = 2) {
    const std::string name = authority + "-" + std::to_string(made_++);
    const Result<CertifiedKey> made = Issue(Authority(authority), {name, role, {host}, days}, now);
    if (!made.ok()) FAIL(made.status().ToString());
    return Keep(authority, name, *made);
  }
  TlsFiles Keep(const std::string& authority, const std::string& name, const CertifiedKey& made) {
    return {Write(authority + ".pem", Authority(authority).certificate),
            Write(name + ".pem", made.certificate), Write(name + ".key", made.key)};
  }
  const CertifiedKey& Authority(const std::string& name) {
    auto& authority = authorities_[name];
    if (authority.key.empty()) {
      // Old enough to have made certificates that have expired.
      const EventTime begun{SystemClock().Now().us - 30LL * 86'400'000'000};
      authority = MakeAuthority(name, 300, begun).value();
    }
    return authority;
  }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  std::map<std::string, CertifiedKey> authorities_;
  int made_ = 0;
};

}  // namespace weir::testing
