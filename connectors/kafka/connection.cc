#include "connectors/kafka/connection.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "clients/aws_chain.h"
#include "clients/aws_service.h"
#include "clients/msk_iam.h"
#include "clients/secrets_manager.h"
#include "clients/sts.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/iam_tokens.h"

namespace weir::kafka {
namespace {

constexpr Duration kLookEvery = Duration::Seconds(10);
constexpr Duration kHealthKept = Duration::Seconds(30);
/// A secret in Secrets Manager is asked for no more often, but where a login was refused.
constexpr Duration kSecretKept = Duration::Minutes(5);

AwsCredentialProvider::Finder KeysOf(const Login& login) {
  AwsKeysOptions options;
  options.profile = login.profile;
  options.role = {login.role, login.session_name, login.external_id};
  options.region = login.region;
  return [options] { return FindAwsCredentials(options, EnvironmentVariable, SystemClock()); };
}

}  // namespace

/// What a connection keeps where it needs AWS: the same keys sign tokens and open secrets.
struct Connection::Aws {
  Aws(const Login& login, const std::string& bootstrap_servers, std::atomic<int64_t>& token_end_ms)
      : keys(KeysOf(login), SystemClock()),
        tokens(login.security == Security::kIam
                   ? std::make_unique<IamTokens>(keys, bootstrap_servers, login.region,
                                                 login.profile, token_end_ms)
                   : nullptr) {}

  AwsCredentialProvider keys;
  std::unique_ptr<IamTokens> tokens;
  std::string secret;
  std::optional<Duration> secret_at;  ///< Monotonic.
};

Connection::Connection(ConnectionOptions options) : options_(std::move(options)) {}
Connection::~Connection() = default;

Connection::Aws& Connection::AwsFor(const Login& login) {
  if (!aws_) aws_ = std::make_unique<Aws>(login, address(), token_end_ms_);
  return *aws_;
}

Result<std::string> Connection::FetchSecret(const Login& login, const std::string& id) {
  std::lock_guard lock(aws_mutex_);
  Aws& aws = AwsFor(login);
  const Duration now = SystemClock().Monotonic();
  if (aws.secret_at && now.us - aws.secret_at->us < kSecretKept.us) return aws.secret;
  AwsServiceOptions options;
  options.service = "secretsmanager";
  options.region =
      login.region.empty()
          ? FindMskRegion(address(), login.profile, EnvironmentVariable).value_or(std::string())
          : login.region;
  options.endpoint = AwsEndpoint(options.service, options.region, EnvironmentVariable);
  const auto service = WEIR_TRY(AwsService::Make(std::move(options), &aws.keys, SystemClock()));
  aws.secret = WEIR_TRY(GetSecretValue(*service, id));
  aws.secret_at = now;
  return aws.secret;
}

Result<Connection::Caller> Connection::AskCaller() {
  const Opened opened = WEIR_TRY(Open());
  AwsCredentialProvider* keys = nullptr;
  {
    std::lock_guard lock(aws_mutex_);
    keys = &AwsFor(opened.login).keys;
  }
  const std::string region =
      opened.login.region.empty()
          ? FindMskRegion(address(), opened.login.profile, EnvironmentVariable).value_or("")
          : opened.login.region;
  const auto sts = WEIR_TRY(MakeSts(region, EnvironmentVariable, keys, SystemClock()));
  const EventTime now = SystemClock().Now();
  AwsIdentity identity = WEIR_TRY(GetCallerIdentity(*sts));
  Caller caller{std::move(identity.arn), std::nullopt};
  if (identity.asked_at) caller.clock_ahead = Duration{identity.asked_at->us - now.us};
  return caller;
}

void Connection::Doubt() {
  std::lock_guard lock(aws_mutex_);
  if (aws_) aws_->secret_at.reset();
}

Status Connection::Supply(rd_kafka_t* handle) {
  IamTokens* tokens = nullptr;
  {
    std::lock_guard lock(aws_mutex_);
    if (aws_) tokens = aws_->tokens.get();
  }
  return tokens != nullptr ? tokens->Add(handle) : Status::Ok();
}

void Connection::StopSupplying(rd_kafka_t* handle) {
  std::lock_guard lock(aws_mutex_);
  if (aws_ && aws_->tokens) aws_->tokens->Remove(handle);
}

void Connection::RenewToken(rd_kafka_t* handle) {
  IamTokens* tokens = nullptr;
  {
    std::lock_guard lock(aws_mutex_);
    if (aws_) tokens = aws_->tokens.get();
  }
  if (tokens != nullptr) tokens->Renew(handle);
}

void Connection::SawTopic(const std::string& topic, TopicHealth health) {
  std::lock_guard lock(health_mutex_);
  health_[topic] = {health, SystemClock().Monotonic()};
}

LinkStatus Connection::Link() const {
  LinkStatus status;
  status.connections_opened = sockets_;
  status.throttled = Duration{throttled_us_};
  if (token_end_ms_ != 0) status.login_end = EventTime{token_end_ms_ * 1000};
  const Duration now = SystemClock().Monotonic();
  std::lock_guard lock(health_mutex_);
  for (const auto& [topic, seen] : health_) {
    const auto& [health, at] = seen;
    if (now.us - at.us > kHealthKept.us) continue;
    status.partitions_leaderless += health.leaderless;
    status.partitions_under_replicated += health.under_replicated;
  }
  return status;
}

Result<Connection::Opened> Connection::Open() {
  Login login = WEIR_TRY(ReadLogin(
      options_, [this](const Login& by, const std::string& id) { return FetchSecret(by, id); }));
  WEIR_TRY(CheckOwnCertificate(login, SystemClock().Now()));
  if (login.security == Security::kIam) {
    std::lock_guard lock(aws_mutex_);
    (void)AwsFor(login);
  }
  std::lock_guard lock(mutex_);
  if (login != login_) {
    if (version_ > 0) {
      log::Info("a connection's files or secrets have changed", {{"address", address()}});
    }
    login_ = login;
    version_++;
  }
  return Opened{std::move(login), version_};
}

uint64_t Connection::Version(Duration now) {
  const bool fixed =
      options_.security == Security::kPlaintext && options_.client_properties.empty();
  uint64_t version = 0;
  {
    std::lock_guard lock(mutex_);
    version = version_;
    if (fixed || now.us - looked_.us < kLookEvery.us) return version;
    looked_ = now;
  }
  const Result<Opened> opened = Open();
  if (opened.ok()) return opened->version;
  // Half a pair, or a file that is being replaced: what is open stays.
  log::Warn("a changed connection is not in order; what it said before still counts",
            {{"code", opened.status().code().id},
             {"address", address()},
             {"reason", opened.status().message()}});
  return version;
}

}  // namespace weir::kafka
