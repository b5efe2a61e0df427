#include "connectors/kafka/login.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "base/pem.h"
#include "connectors/kafka/client_properties.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/java_properties.h"
#include "tests/catch.h"

namespace weir::kafka {
namespace {

std::string SettingOf(const Login& login, const std::string& name) {
  for (const auto& [key, value] : LibrarySettings(login)) {
    if (key == name) return value;
  }
  return "-";
}

TranslatedProperties Translated(std::string_view text) {
  auto said = TranslateProperties(text, "client.properties");
  REQUIRE(said.ok());
  return std::move(said).value();
}

}  // namespace

TEST_CASE("a login becomes the client library's settings") {
  Login login;
  CHECK(LibrarySettings(login).empty());

  login.security = Security::kTls;
  login.ca = "CA";
  CHECK(SettingOf(login, "security.protocol") == "ssl");
  CHECK(SettingOf(login, "ssl.ca.pem") == "CA");
  CHECK(SettingOf(login, "ssl.endpoint.identification.algorithm") == "https");
  CHECK(SettingOf(login, "ssl.certificate.pem") == "-");

  login.security = Security::kMtls;
  login.certificate = "CERTIFICATE";
  login.key = "KEY";
  login.verify_names = false;
  CHECK(SettingOf(login, "ssl.certificate.pem") == "CERTIFICATE");
  CHECK(SettingOf(login, "ssl.key.pem") == "KEY");
  CHECK(SettingOf(login, "ssl.endpoint.identification.algorithm") == "none");

  login.security = Security::kScram;
  login.user = "me";
  login.password = "p\"; x";
  CHECK(SettingOf(login, "security.protocol") == "sasl_ssl");
  CHECK(SettingOf(login, "sasl.mechanism") == "SCRAM-SHA-512");
  CHECK(SettingOf(login, "sasl.password") == "p\"; x");
  CHECK(SettingOf(login, "ssl.key.pem") == "-");

  login.security = Security::kIam;
  CHECK(SettingOf(login, "sasl.mechanism") == "OAUTHBEARER");
  CHECK(SettingOf(login, "sasl.password") == "-");
  CHECK(SettingOf(login, "reconnect.backoff.ms") == "1000");
}

TEST_CASE("refused logins are told in the words of the options") {
  const auto explain = [](Security security, int code, std::string_view reason,
                          int certificate = 0) {
    return ExplainLogin(security, code, reason, certificate, "b:9094").status;
  };
  const Status untrusted =
      explain(Security::kTls, RD_KAFKA_RESP_ERR__SSL,
              "ssl://b:9094/bootstrap: SSL handshake failed: error:0A000086:SSL "
              "routines::certificate verify failed: broker certificate could not be verified "
              "(after 5ms in state SSL_HANDSHAKE)");
  CHECK(untrusted.Is(errors::kTlsRefused));
  CHECK(untrusted.message().find("not by an authority that is trusted") != std::string::npos);
  CHECK(untrusted.message().find("(after") == std::string::npos);

  const Status name =
      explain(Security::kTls, RD_KAFKA_RESP_ERR__SSL,
              "SSL handshake failed: certificate verify failed", X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(name.message().find("is for another name") != std::string::npos);
  // A broker that goes down in the middle of it looks the same.
  CHECK_FALSE(ExplainLogin(Security::kTls, RD_KAFKA_RESP_ERR__TRANSPORT,
                           "SSL handshake failed: Disconnected: SSL connection closed by peer: "
                           "connecting to a PLAINTEXT broker listener?",
                           0, "b:9094")
                  .sure);

  const Status mechanism = explain(Security::kScram, RD_KAFKA_RESP_ERR__AUTHENTICATION,
                                   "sasl_ssl://b:9094/bootstrap: SASL SCRAM-SHA-512 mechanism "
                                   "handshake failed: Broker: Unsupported SASL mechanism: "
                                   "broker's supported mechanisms: OAUTHBEARER");
  CHECK(mechanism.Is(errors::kLoginRefused));
  CHECK(mechanism.message().find("does not take security: scram") != std::string::npos);

  const Status password = explain(Security::kScram, RD_KAFKA_RESP_ERR__AUTHENTICATION,
                                  "SASL authentication error: Authentication failed");
  CHECK(password.message().find("user and password") != std::string::npos);
  const Status token = explain(Security::kIam, RD_KAFKA_RESP_ERR__AUTHENTICATION,
                               "SASL authentication error: {\"status\":\"invalid_token\"}");
  CHECK(token.message().find("the token") != std::string::npos);

  CHECK(explain(Security::kTls, RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused").ok());
  CHECK(explain(Security::kPlaintext, RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused").ok());
}

TEST_CASE("Java's settings are said in weir's words") {
  const auto scram = Translated(
      "# a comment\n"
      "security.protocol = SASL_SSL\r\n"
      "sasl.mechanism=SCRAM-SHA-512\n"
      "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
      "    username=\"me\" \\\n"
      "    password=\"p\\\\\"w; =\";\n"
      "ssl.truststore.type=PEM\n"
      "ssl.truststore.location: /etc/ca.pem\n"
      "client.rack=euw1-az1\n"
      "acks=1\n");
  CHECK(scram.options.security == Security::kScram);
  CHECK(scram.options.user == "me");
  CHECK(scram.password == "p\"w; =");
  CHECK(scram.options.tls.ca == "/etc/ca.pem");
  CHECK(scram.options.properties.at("client.rack") == "euw1-az1");
  CHECK(scram.ignored == std::vector<std::string>{"acks (line 10)"});

  const auto iam = Translated(
      "security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM\n"
      "sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required "
      "awsRoleArn=\"arn:aws:iam::1:role/r\" awsRoleSessionName='s';\n"
      "sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler\n");
  CHECK(iam.options.security == Security::kIam);
  CHECK(iam.options.role == "arn:aws:iam::1:role/r");
  CHECK(iam.options.session_name == "s");
  CHECK(iam.ignored.empty());

  const auto mtls = Translated(
      "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=k.pem\n"
      "ssl.key.password=x\nssl.endpoint.identification.algorithm=\n");
  CHECK(mtls.options.security == Security::kMtls);
  CHECK(mtls.options.tls.certificate == "k.pem");
  CHECK(mtls.key_password == "x");
  CHECK_FALSE(mtls.options.tls.verify_names);

  CHECK(Translated("").options.security == Security::kPlaintext);
  CHECK(Translated("a\\u003Db=1\\").ignored == std::vector<std::string>{"a=b (line 1)"});
}

TEST_CASE("Java's properties are read as Java reads them") {
  const auto read = [](std::string_view text) {
    auto properties = ReadJavaProperties(text, "f");
    REQUIRE(properties.ok());
    REQUIRE(properties->size() == 1);
    return properties->front();
  };
  CHECK(read("a = b").value == "b");
  CHECK(read("\n ! no\n a\\ b : c \\\n   d").key == "a b");
  CHECK(read("\n ! no\n a\\ b : c \\\n   d").value == "c d");
  CHECK(read("\n ! no\n a\\ b : c \\\n   d").line_number == 3);
  CHECK(read("a=\\u00e9\\uD83D\\uDE00\\t\\q\\\\").value == "\u00e9\U0001F600\tq\\");
  CHECK(read("a=\xe9").value == "\u00e9");  // ISO 8859-1.
  CHECK(read("a").value.empty());
  for (const std::string_view wrong :
       {"a=\\u12", "a=\\u12x4", "\\ud800=1", "a=\\udc00", "a=\\ud800\\u0041"}) {
    const auto properties = ReadJavaProperties("#\n" + std::string(wrong), "f");
    CHECK(properties.status().Is(errors::kConnectionOption));
    CHECK(properties.status().message().find("f:2") != std::string::npos);
  }
}

TEST_CASE("what only Java can open is told with its line") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"security.protocol=SASL_PLAINTEXT", "client.properties:1: security.protocol"},
      {"security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI", "client.properties:2"},
      {"security.protocol=SSL\n\nssl.truststore.location=t.jks", "client.properties:3"},
      {"security.protocol=SSL\nssl.keystore.type=PKCS12\nssl.keystore.location=k",
       "a store of type PKCS12"},
      {"security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512", "without sasl.jaas.config"},
      {"security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=X required "
       "username=\"a;",
       "not a login module"},
      {"security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=a.Plain "
       "required username=a;",
       "Plain does not go with SCRAM"}};
  for (const auto& [text, told] : cases) {
    const auto said = TranslateProperties(text, "client.properties");
    INFO(text);
    REQUIRE_FALSE(said.ok());
    CHECK(said.status().Is(errors::kConnectionOption));
    INFO(said.status().message());
    CHECK(said.status().message().find(told) != std::string::npos);
    CHECK_FALSE(said.status().cure().empty());
  }
}

TEST_CASE("ports of MSK are known, and addresses are taken apart") {
  CHECK(SecurityOfPort(9098) == Security::kIam);
  CHECK(SecurityOfPort(9194) == Security::kTls);
  CHECK_FALSE(SecurityOfPort(19092));
  CHECK(AddressesOf(" a:1, b:2 ,,c") == std::vector<std::string>{"a:1", "b:2", "c"});
  CHECK(PortOf("[::1]:9092") == 9092);
  CHECK_FALSE(PortOf("host"));
  CHECK_FALSE(PortOf("host:x"));
  CHECK_FALSE(PortOf("host:70000"));
}

}  // namespace weir::kafka
