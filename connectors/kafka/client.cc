#include "connectors/kafka/client.h"

#include <librdkafka/rdkafka.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/log.h"
#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

constexpr int kOldestVersion = 0x02080000;

void DeliveryCallback(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  static_cast<Client*>(opaque)->OnDelivery(
      message->err, message->rkt != nullptr ? rd_kafka_topic_name(message->rkt) : "",
      message->partition);
}

void ErrorCallback(rd_kafka_t*, int error, const char* reason, void* opaque) {
  static_cast<Client*>(opaque)->OnError(error, reason);
}

int SocketCallback(int domain, int type, int protocol, void* opaque) {
  const int made = socket(domain, type | SOCK_CLOEXEC, protocol);
  if (made >= 0) static_cast<Client*>(opaque)->OnSocket();
  return made;
}

int SocketClosedCallback(int descriptor, void* opaque) {
  static_cast<Client*>(opaque)->OnSocketClosed();
  return close(descriptor);
}

void ThrottleCallback(rd_kafka_t*, const char*, int32_t, int milliseconds, void* opaque) {
  static_cast<Client*>(opaque)->OnThrottled(milliseconds);
}

void TokenCallback(rd_kafka_t* handle, const char*, void* opaque) {
  static_cast<Client*>(opaque)->OnTokenWanted(handle);
}

/// The library's own lines say little that its errors don't; weir logs those, once per change.
void LogCallback(const rd_kafka_t* handle, int, const char*, const char* line) {
  // None while it is made and taken down.
  if (handle == nullptr || rd_kafka_opaque(handle) == nullptr) return;
  static_cast<Client*>(rd_kafka_opaque(handle))->OnLog(line);
}

/// Takes what OpenSSL takes, and keeps why where it does not: the library's errors don't tell.
int CertificateCallback(rd_kafka_t*, const char*, int32_t, int* fault, int, const char*, size_t,
                        char*, size_t, void* opaque) {
  if (*fault == 0) return 1;
  static_cast<Client*>(opaque)->OnCertificate(*fault);
  return 0;
}

struct ConfigDestroyer {
  void operator()(rd_kafka_conf_t* config) const { rd_kafka_conf_destroy(config); }
};

}  // namespace

Status CheckClientVersion(int version, std::string_view version_text) {
  if (version >= kOldestVersion) return Status::Ok();
  return Status(errors::kClientTooOld,
                fmt::format("librdkafka {} is too old: before 2.8 it can lose a transaction's "
                            "producer after a disconnect and cannot renew a login",
                            version_text),
                "install librdkafka 2.8.0 or later (Debian 13 has it)");
}

namespace {

/// The library's reason without the words it marks its sources by.
std::string PlainReason(std::string_view reason) {
  std::string plain(reason);
  for (const std::string_view mark : {"Local: ", "Broker: "}) {
    for (size_t at = plain.find(mark); at != std::string::npos; at = plain.find(mark, at)) {
      plain.erase(at, mark.size());
    }
  }
  return plain;
}

}  // namespace

Status ToStatus(int code, std::string_view reason, std::string_view what,
                const std::string& address) {
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  const std::string why = PlainReason(reason.empty() ? rd_kafka_err2str(error) : reason);
  const std::string message = fmt::format("{}: {} ({})", what, why, rd_kafka_err2name(error));
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
      return Status(errors::kBrokersAway, fmt::format("no answer from {}: {}", address, message),
                    "look whether the brokers run and the address is right");
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return Status(errors::kTopicMissing, message, "create the topic, or mend its name");
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return Status(errors::kNotAllowed, message, "give weir's user the right that is named");
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
      return Status(errors::kGroupInUse,
                    fmt::format("the group has live consumers, and takes positions from nobody "
                                "else: {}",
                                message),
                    "stop them, or give the source a group of its own");
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR__DESTROY:
      return Status(errors::kBrokerNotReady, fmt::format("{} at {}", message, address));
    default:
      return Status(errors::kBrokerRefused, fmt::format("{} at {}", message, address));
  }
}

Result<std::unique_ptr<Client>> Client::Make(Kind kind, ConnectionPtr connection,
                                             const Settings& settings) {
  WEIR_TRY(CheckClientVersion(rd_kafka_version(), rd_kafka_version_str()));
  const Connection::Opened opened = WEIR_TRY(connection->Open());
  std::unique_ptr<Client> client(new Client(std::move(connection)));
  client->kind_ = kind;
  client->version_ = opened.version;
  client->security_ = opened.login.security;
  std::unique_ptr<rd_kafka_conf_t, ConfigDestroyer> config(rd_kafka_conf_new());

  Settings all{{"bootstrap.servers", client->address()},
               {"client.id", "weir"},
               {"topic.metadata.refresh.interval.ms", "10000"},
               // Its own metrics for brokers that ask: every handle that is closed would wait up to
               // half a second for the last ones to be sent.
               {"enable.metrics.push", "false"},
               {"reconnect.backoff.max.ms", "2000"},
               {"socket.nagle.disable", "true"}};
  const Settings secured = LibrarySettings(opened.login);
  all.insert(all.end(), secured.begin(), secured.end());
  for (const auto& [name, value] : opened.login.properties) {
    const PropertyUse use = UseOfProperty(name);
    const PropertyUse own =
        kind == Kind::kConsumer ? PropertyUse::kConsumer : PropertyUse::kProducer;
    if (use == PropertyUse::kBoth || use == own) all.emplace_back(name, value);
  }
  all.insert(all.end(), settings.begin(), settings.end());
  for (const auto& [name, value] : all) {
    char reason[512] = {};
    if (rd_kafka_conf_set(config.get(), name.c_str(), value.c_str(), reason, sizeof reason) !=
        RD_KAFKA_CONF_OK) {
      // The value may be a secret; the library's reason is about its form.
      return Status(errors::kClientSettings,
                    fmt::format("setting {} of the Kafka client: {}", name, reason),
                    "mend it under 'properties' of the connection");
    }
  }
  rd_kafka_conf_set_opaque(config.get(), client.get());
  rd_kafka_conf_set_error_cb(config.get(), ErrorCallback);
  rd_kafka_conf_set_log_cb(config.get(), LogCallback);
  rd_kafka_conf_set_throttle_cb(config.get(), ThrottleCallback);
  rd_kafka_conf_set_socket_cb(config.get(), SocketCallback);
  rd_kafka_conf_set_closesocket_cb(config.get(), SocketClosedCallback);
  if (opened.login.security == Security::kIam) {
    rd_kafka_conf_set_oauthbearer_token_refresh_cb(config.get(), TokenCallback);
    rd_kafka_conf_enable_sasl_queue(config.get(), 1);
  }
  if (opened.login.security != Security::kPlaintext) {
    rd_kafka_conf_set_ssl_cert_verify_cb(config.get(), CertificateCallback);
  }
  if (kind == Kind::kProducer) rd_kafka_conf_set_dr_msg_cb(config.get(), DeliveryCallback);

  char reason[512] = {};
  client->handle_ = rd_kafka_new(kind == Kind::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
                                 config.get(), reason, sizeof reason);
  if (client->handle_ == nullptr) {
    return Status(errors::kClientSettings, fmt::format("the Kafka client: {}", reason),
                  "see the connection's certificates and 'properties'");
  }
  [[maybe_unused]] auto* const taken_over = config.release();  // By rd_kafka_new.
  if (kind == Kind::kConsumer) rd_kafka_poll_set_consumer(client->handle_);
  if (opened.login.security == Security::kIam) {
    WEIR_TRY(client->connection_->Supply(client->handle_));
    // Served by the library's own thread: who owns the handle may be busy, or idle.
    rd_kafka_error_t* const error = rd_kafka_sasl_background_callbacks_enable(client->handle_);
    WEIR_CHECK(error == nullptr, rd_kafka_error_string(error));
  }
  return client;
}

Client::~Client() {
  if (handle_ == nullptr) return;
  connection_->StopSupplying(handle_);
  if (kind_ == Kind::kProducer) {
    // Records still under way belong to a transaction that nobody will commit any more.
    (void)rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                      RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy(handle_);
  } else {
    rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
}

void Client::Serve(int timeout_ms) {
  if (kind_ == Kind::kProducer) {
    rd_kafka_poll(handle_, timeout_ms);
    return;
  }
  // Partitions have queues of their own: what comes here is an error at most.
  rd_kafka_message_t* message = rd_kafka_consumer_poll(handle_, timeout_ms);
  if (message == nullptr) return;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    OnError(message->err, rd_kafka_message_errstr(message));
  }
  rd_kafka_message_destroy(message);
}

std::string Client::last_error() const {
  std::lock_guard lock(mutex_);
  return last_error_;
}

void Client::Answered() {
  connection_->LoggedIn();
  {
    std::lock_guard lock(mutex_);
    trouble_ = Status::Ok();
    suspicion_ = {};
  }
  if (!brokers_away_.exchange(false)) return;
  log::Info("kafka brokers answer again", {{"address", address()}});
}

Status Client::Trouble() {
  // The library tells what repeats itself once in half a minute only, so they can't be counted.
  constexpr Duration kBelieved = Duration::Seconds(2);
  Serve(/*timeout_ms=*/0);
  std::lock_guard lock(mutex_);
  if (!suspicion_.status.ok() &&
      SystemClock().Monotonic().us - suspicion_.since.us >= kBelieved.us) {
    Believe(suspicion_.status);
  }
  if (trouble_.ok() || !connection_->logged_in()) return trouble_;
  return Status(errors::kBrokersAway, trouble_.message(), trouble_.cure());
}

Status Client::Failure(int code, std::string_view reason, std::string_view what) {
  Status plain = ToStatus(code, reason, what, address());
  if (plain.code().id != errors::kBrokersAway.id) return plain;
  const Status trouble = Trouble();
  return trouble.ok() ? plain : trouble;
}

void Client::OnDelivery(int error, const char* topic, int32_t partition) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    deliveries_.delivered++;
    return;
  }
  deliveries_.failed++;
  if (deliveries_.first_error != 0) return;
  deliveries_.first_error = error;
  deliveries_.first_place = fmt::format("{}/{}", topic, partition);
}

void Client::Suspect(int error, std::string_view reason) {
  const LoginTrouble found = ExplainLogin(security_, error, reason,
                                          certificate_.load(std::memory_order_relaxed), address());
  if (found.sure) {
    connection_->Doubt();
    std::lock_guard lock(mutex_);
    Believe(found.status);
    return;
  }
  // The library's words begin with the broker's name.
  const std::string_view broker = reason.substr(0, reason.find(": "));
  std::lock_guard lock(mutex_);
  if (!found.status.ok()) {
    if (suspicion_.status.ok()) suspicion_.since = SystemClock().Monotonic();
    suspicion_.status = found.status;
    suspicion_.broker = broker;
  } else if (error == RD_KAFKA_RESP_ERR__TRANSPORT && broker == suspicion_.broker) {
    suspicion_ = {};  // It was going away.
  }
}

void Client::Believe(const Status& trouble) {
  const bool news = trouble_.ok() || trouble_.code().id != trouble.code().id;
  trouble_ = trouble;
  if (!news) return;
  log::Warn("kafka brokers do not let weir in", {{"code", trouble.code().id},
                                                 {"address", address()},
                                                 {"reason", trouble.message()},
                                                 {"cure", trouble.cure()}});
}

void Client::OnLog(std::string_view line) {
  // What is told in a line only: a broker that hangs up on the first words.
  if (line.find("in state APIVERSION_QUERY") == std::string_view::npos &&
      line.find("in state SSL_HANDSHAKE") == std::string_view::npos) {
    return;
  }
  const size_t thread_end = line.starts_with("[thrd:") ? line.find("]: ") : std::string_view::npos;
  if (thread_end != std::string_view::npos) line.remove_prefix(thread_end + 3);
  Suspect(RD_KAFKA_RESP_ERR__TRANSPORT, line);
}

void Client::OnError(int error, const char* reason) {
  const std::string why = reason != nullptr ? reason : "";
  {
    std::lock_guard lock(mutex_);
    last_error_ = why;
  }
  Suspect(error, why);
  if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  if (brokers_away_.exchange(true)) return;
  log::Warn("kafka brokers are away, waiting",
            {{"code", errors::kBrokersAway.id}, {"address", address()}, {"reason", last_error()}});
}

}  // namespace weir::kafka
