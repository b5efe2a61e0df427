#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "connectors/kafka/connection_options.h"

namespace weir::kafka {

/// What a file of settings of Java's clients (`client.properties`) says in weir's words.
struct TranslatedProperties {
  /// Security, paths, user, role; only what the file says. Paths count from the file's folder.
  ConnectionOptions options;
  // What such a file may hold itself, where weir's own options name a file or a secret. PEM.
  std::string ca;
  std::string certificate;
  std::string key;
  std::string key_password;
  std::string password;
  /// Settings that weir decides itself, and that were left aside: `acks (line 3)`.
  std::vector<std::string> ignored;
};

/// Reads such a file: Java's form of properties (comments, escapes, lines that go on), with the
/// names of Kafka's `ClientUtils` and of Amazon's login module. Pure: opens no file.
/// kConnectionOption with the line where something that matters cannot be said to the client
/// library: stores of Java (JKS, PKCS12), login modules other than SCRAM's and Amazon's.
Result<TranslatedProperties> TranslateProperties(std::string_view text, const std::string& file);

}  // namespace weir::kafka
