#include "connectors/kafka/client_properties.h"

#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/java_properties.h"

namespace weir::kafka {
namespace {

/// `org.….ScramLoginModule required username="a" password="b";`
struct LoginModule {
  std::string name;
  std::map<std::string, std::string> options;
};

std::optional<LoginModule> ParseLoginModule(std::string_view text) {
  LoginModule module;
  size_t at = 0;
  const auto skip = [&] {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) at++;
  };
  const auto word = [&](std::string_view ends) {
    std::string taken;
    while (at < text.size() && !std::isspace(static_cast<unsigned char>(text[at])) &&
           ends.find(text[at]) == std::string_view::npos) {
      taken += text[at++];
    }
    return taken;
  };
  skip();
  module.name = word(";");
  skip();
  (void)word(";");  // `required`, or another flag that a client does not mind.
  for (skip(); at < text.size() && text[at] != ';'; skip()) {
    const std::string key = word("=;");
    skip();
    if (at >= text.size() || text[at] != '=') return std::nullopt;
    at++;
    skip();
    std::string value;
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
      const char quote = text[at++];
      while (at < text.size() && text[at] != quote) {
        if (text[at] == '\\' && at + 1 < text.size()) at++;
        value += text[at++];
      }
      if (at == text.size()) return std::nullopt;
      at++;
    } else {
      value = word(";");
    }
    module.options[key] = value;
  }
  if (module.name.empty()) return std::nullopt;
  module.name.erase(0, module.name.rfind('.') + 1);
  return module;
}

/// Puts what the lines say together.
class Translator {
 public:
  explicit Translator(const std::string& file) : file_(file) {}

  Result<TranslatedProperties> Run(std::string_view text) {
    for (JavaProperty& line : WEIR_TRY(ReadJavaProperties(text, file_))) {
      std::string key = line.key;
      lines_[std::move(key)] = std::move(line);
    }
    WEIR_TRY(Protocol());
    WEIR_TRY(Stores());
    if (const JavaProperty* names = Take("ssl.endpoint.identification.algorithm")) {
      out_.options.tls.verify_names = !names->value.empty();
    }
    for (const auto& [key, line] : lines_) {
      if (UseOfProperty(key) != PropertyUse::kRefused) {
        out_.options.properties[key] = line.value;
      } else {
        out_.ignored.push_back(fmt::format("{} (line {})", key, line.line_number));
      }
    }
    return std::move(out_);
  }

 private:
  /// The line of a key, which is dealt with then; it lives until the next call.
  const JavaProperty* Take(const std::string& key) {
    auto node = lines_.extract(key);
    if (node.empty()) return nullptr;
    taken_ = std::move(node.mapped());
    return &taken_;
  }

  Status Fault(const JavaProperty& line, std::string what, std::string cure) const {
    return Status(errors::kConnectionOption,
                  fmt::format("{}:{}: {}: {}", file_, line.line_number, line.key, what),
                  std::move(cure));
  }

  Status Protocol() {
    std::string protocol = "PLAINTEXT";
    JavaProperty at;
    if (const JavaProperty* line = Take("security.protocol")) {
      at = *line;
      protocol = line->value;
    }
    if (protocol == "PLAINTEXT") return Status::Ok();
    if (protocol == "SSL") {
      out_.options.security = Security::kTls;
      return Status::Ok();
    }
    if (protocol != "SASL_SSL") {
      return Fault(at, fmt::format("weir has no '{}'", protocol),
                   "PLAINTEXT, SSL and SASL_SSL are known");
    }
    std::string mechanism;
    if (const JavaProperty* line = Take("sasl.mechanism")) {
      at = *line;
      mechanism = line->value;
    }
    if (mechanism == "SCRAM-SHA-512") {
      out_.options.security = Security::kScram;
    } else if (mechanism == "AWS_MSK_IAM" || mechanism == "OAUTHBEARER") {
      out_.options.security = Security::kIam;
    } else {
      return Fault(at, fmt::format("weir has no mechanism '{}'", mechanism),
                   "SCRAM-SHA-512 and AWS_MSK_IAM are known");
    }
    (void)Take("sasl.client.callback.handler.class");
    (void)Take("sasl.login.callback.handler.class");
    return Login();
  }

  Status Login() {
    const JavaProperty* line = Take("sasl.jaas.config");
    const bool scram = out_.options.security == Security::kScram;
    if (line == nullptr) {
      if (!scram) return Status::Ok();
      return Status(errors::kConnectionOption,
                    fmt::format("{}: SCRAM-SHA-512 without sasl.jaas.config", file_),
                    "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule "
                    "required username=\"…\" password=\"…\";");
    }
    const JavaProperty at = *line;
    const auto module = ParseLoginModule(at.value);
    if (!module) return Fault(at, "not a login module with its options", "see its quotes");
    const auto option = [&](const std::string& key) {
      const auto it = module->options.find(key);
      return it == module->options.end() ? std::string() : it->second;
    };
    if (scram) {
      if (module->name != "ScramLoginModule") {
        return Fault(at, fmt::format("{} does not go with SCRAM-SHA-512", module->name),
                     "name ScramLoginModule");
      }
      out_.options.user = option("username");
      out_.password = option("password");
      if (out_.options.user.empty() || out_.password.empty()) {
        return Fault(at, "username or password is missing", "give both");
      }
      return Status::Ok();
    }
    if (module->name != "IAMLoginModule" && module->name != "OAuthBearerLoginModule") {
      return Fault(at, fmt::format("weir has no {}", module->name), "name IAMLoginModule");
    }
    out_.options.profile = option("awsProfileName");
    out_.options.role = option("awsRoleArn");
    out_.options.external_id = option("awsRoleExternalId");
    out_.options.region = option("awsStsRegion");
    if (!option("awsRoleSessionName").empty()) {
      out_.options.session_name = option("awsRoleSessionName");
    }
    if (!option("awsRoleAccessKeyId").empty()) {
      return Fault(at, "keys stand in the login module", "keep them in a profile of ~/.aws");
    }
    return Status::Ok();
  }

  /// A store of Java's as what it is worth to the client library: a PEM file, or a text.
  Status Store(const std::string& which, std::string& path, std::string& text,
               const std::string& text_key) {
    if (const JavaProperty* line = Take("ssl." + text_key)) text = line->value;
    std::string type = "JKS";
    if (const JavaProperty* line = Take("ssl." + which + ".type")) type = line->value;
    (void)Take("ssl." + which + ".password");
    const JavaProperty* line = Take("ssl." + which + ".location");
    if (line == nullptr) return Status::Ok();
    if (type != "PEM") {
      return Fault(*line, fmt::format("only Java opens a store of type {}", type),
                   which == "truststore"
                       ? "keytool -exportcert -rfc -keystore STORE -alias ALIAS > ca.pem, and "
                         "ssl.truststore.type=PEM"
                       : "openssl pkcs12 -in STORE -out client.pem -nodes (after keytool "
                         "-importkeystore -deststoretype PKCS12), and ssl.keystore.type=PEM");
    }
    path = line->value;
    return Status::Ok();
  }

  Status Stores() {
    WEIR_TRY(Store("truststore", out_.options.tls.ca, out_.ca, "truststore.certificates"));
    WEIR_TRY(Store("keystore", out_.options.tls.certificate, out_.certificate,
                   "keystore.certificate.chain"));
    if (const JavaProperty* line = Take("ssl.keystore.key")) out_.key = line->value;
    if (const JavaProperty* line = Take("ssl.key.password")) out_.key_password = line->value;
    const bool own = !out_.options.tls.certificate.empty() || !out_.certificate.empty();
    if (own && out_.options.security == Security::kTls) out_.options.security = Security::kMtls;
    if (!out_.options.tls.certificate.empty()) {
      // Java's PEM keystore is one file that holds the key too.
      out_.options.tls.key = Secret(Secret::From::kFile, out_.options.tls.certificate);
    }
    return Status::Ok();
  }

  const std::string& file_;
  std::map<std::string, JavaProperty> lines_;
  JavaProperty taken_;
  TranslatedProperties out_;
};

}  // namespace

Result<TranslatedProperties> TranslateProperties(std::string_view text, const std::string& file) {
  return Translator(file).Run(text);
}

}  // namespace weir::kafka
