#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "connectors/kafka/connection_options.h"

namespace weir::kafka {

/// What a connection is opened with: files read, secrets resolved. Never logged, never kept.
struct Login {
  Security security = Security::kPlaintext;
  // PEM, as the files hold them; empty where there are none.
  std::string ca;
  std::string certificate;
  std::string key;
  std::string key_password;
  bool verify_names = true;
  std::string user;
  std::string password;
  // iam
  std::string region;
  std::string profile;
  std::string role;
  std::string external_id;
  std::string session_name;
  /// Of the client library, off the allow-list of a file of Java's.
  std::map<std::string, std::string> properties;
  bool operator==(const Login&) const = default;
};

/// Asks Secrets Manager for the text of a secret, with the keys that `login` names.
using SecretFetcher = std::function<Result<std::string>(const Login& login, const std::string& id)>;

/// Reads the files and secrets that `options` name; `fetch` is called for those in Secrets Manager.
/// kSecretMissing, kConnectionFile, kConnectionOption and errors of `fetch`, each with the file or
/// secret it is about.
Result<Login> ReadLogin(const ConnectionOptions& options, const SecretFetcher& fetch);

/// Looks at weir's own certificate before a broker does, who would only hang up: kOwnCertificate
/// where its time has not come or is over, the key is another's, or nothing of the kind is there.
Status CheckOwnCertificate(const Login& login, EventTime now);

/// The client library's settings that make it so. Pure.
std::vector<std::pair<std::string, std::string>> LibrarySettings(const Login& login);

/// What an error of the library means for a login at `address`, in the words of weir's options.
/// `reason` is the library's; `certificate` why the broker's was not taken, by OpenSSL's number, 0:
/// it was not looked at, or is good. Pure.
struct LoginTrouble {
  Status status;      ///< Ok: this is no trouble of a login.
  bool sure = false;  ///< Otherwise a broker that goes down looks the same: it counts if it stays.
};
LoginTrouble ExplainLogin(Security security, int code, std::string_view reason, int certificate,
                          const std::string& address);

}  // namespace weir::kafka
