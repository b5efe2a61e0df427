#include "connectors/kafka/iam_tokens.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "clients/aws_endpoint.h"
#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

using std::chrono::milliseconds;

/// Where there are no keys just now, they are asked for again so soon.
constexpr milliseconds kRetry{5'000};
constexpr milliseconds kSoonest{1'000};
constexpr milliseconds kLatest{300'000};

int64_t NowMillis() { return SystemClock().Now().us / 1000; }

}  // namespace

IamTokens::IamTokens(AwsCredentialProvider& keys, std::string bootstrap_servers, std::string region,
                     std::string profile, std::atomic<int64_t>& end_ms)
    : keys_(keys),
      bootstrap_servers_(std::move(bootstrap_servers)),
      profile_(std::move(profile)),
      end_ms_(end_ms),
      region_(std::move(region)),
      thread_([this] { Run(); }) {}

IamTokens::~IamTokens() {
  {
    std::lock_guard lock(wait_mutex_);
    ended_ = true;
  }
  ends_.notify_all();
  thread_.join();
}

Result<MskToken> IamTokens::Sign() {
  const AwsCredentials keys = WEIR_TRY(keys_.Get());
  std::lock_guard lock(region_mutex_);
  if (region_.empty()) {
    auto found = FindMskRegion(bootstrap_servers_, profile_, EnvironmentVariable);
    if (!found) {
      return Status(
          errors::kConnectionOption,
          fmt::format("nobody says which region the brokers at {} are in", bootstrap_servers_),
          "say it: region: eu-central-1");
    }
    region_ = std::move(*found);
  }
  return SignMskToken(keys, region_, SystemClock().Now());
}

Status IamTokens::Give(rd_kafka_t* handle, const MskToken& token) const {
  char reason[512] = {};
  const auto error =
      rd_kafka_oauthbearer_set_token(handle, token.text.c_str(), token.end_ms, "weir",
                                     /*extensions=*/nullptr, 0, reason, sizeof reason);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    end_ms_ = token.end_ms;
    return Status::Ok();
  }
  return Status(errors::kLoginRefused,
                fmt::format("the Kafka client does not take the token: {}", reason),
                "see that this machine's clock is right, and when the keys end");
}

Status IamTokens::Add(rd_kafka_t* handle) {
  const MskToken token = WEIR_TRY(Sign());
  std::lock_guard lock(mutex_);
  WEIR_TRY(Give(handle, token));
  handles_.insert(handle);
  return Status::Ok();
}

void IamTokens::Remove(rd_kafka_t* handle) {
  std::lock_guard lock(mutex_);
  handles_.erase(handle);
}

void IamTokens::Renew(rd_kafka_t* handle) {
  const Result<MskToken> token = Sign();
  const Status given = token.ok() ? Give(handle, *token) : token.status();
  if (!given.ok()) rd_kafka_oauthbearer_set_token_failure(handle, given.message().c_str());
}

std::chrono::milliseconds IamTokens::Supply() {
  {
    std::lock_guard lock(mutex_);
    if (handles_.empty()) return kRetry;
  }
  const Result<MskToken> token = Sign();
  if (!token.ok()) {
    log::Warn("no token for kafka, asking again", {{"code", token.status().code().id},
                                                   {"reason", token.status().message()},
                                                   {"cure", token.status().cure()}});
    return kRetry;
  }
  std::lock_guard lock(mutex_);
  for (rd_kafka_t* handle : handles_) {
    if (const Status given = Give(handle, *token); !given.ok()) {
      log::Warn("a token was not taken", {{"reason", given.message()}});
    }
  }
  return std::clamp(milliseconds((token->end_ms - NowMillis()) / 2), kSoonest, kLatest);
}

void IamTokens::Run() {
  milliseconds wait = kSoonest;
  std::unique_lock lock(wait_mutex_);
  while (!ends_.wait_for(lock, wait, [this] { return ended_; })) {
    lock.unlock();
    wait = Supply();
    lock.lock();
  }
}

}  // namespace weir::kafka
