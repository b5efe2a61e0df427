// Writes the first RECORDS clicks of clicks.h, as fast as it can:
//
//   produce_clicks kafka BOOTSTRAP TOPIC RECORDS     into a topic of four partitions that is empty
//   produce_clicks file PATH RECORDS                 as lines of a file
//
// Each partition gets its clicks in order. Ends with a fault if a single one was not acknowledged.

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/clicks.h"

namespace {

using weir::bench::AppendJson;
using weir::bench::ClickAt;

[[noreturn]] void Fail(const char* what, const char* reason) {
  std::fprintf(stderr, "produce_clicks: %s: %s\n", what, reason);
  std::exit(1);
}

struct Deliveries {
  int64_t acknowledged = 0;
  rd_kafka_resp_err_t fault = RD_KAFKA_RESP_ERR_NO_ERROR;
};

void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& deliveries = *static_cast<Deliveries*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    deliveries.acknowledged++;
  } else {
    deliveries.fault = message->err;
  }
}

void Set(rd_kafka_conf_t* config, const char* name, const char* value) {
  char reason[256];
  if (rd_kafka_conf_set(config, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
    Fail(name, reason);
  }
}

void IntoTopic(const char* bootstrap, const char* topic_name, int64_t records) {
  Deliveries deliveries;
  rd_kafka_conf_t* config = rd_kafka_conf_new();
  Set(config, "bootstrap.servers", bootstrap);
  Set(config, "enable.idempotence", "true");
  Set(config, "linger.ms", "20");
  Set(config, "batch.size", "900000");
  Set(config, "queue.buffering.max.messages", "500000");
  rd_kafka_conf_set_dr_msg_cb(config, OnDelivery);
  rd_kafka_conf_set_opaque(config, &deliveries);
  char reason[512];
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, config, reason, sizeof reason);
  if (client == nullptr) Fail("producer", reason);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, topic_name, nullptr);
  if (topic == nullptr) Fail(topic_name, rd_kafka_err2str(rd_kafka_last_error()));

  std::string json;
  for (int64_t i = 0; i < records; i++) {
    json.clear();
    AppendJson(ClickAt(i), json);
    const auto partition = static_cast<int32_t>(i % weir::bench::kPartitions);
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, json.data(), json.size(),
                            nullptr, 0, nullptr) != 0) {
      const rd_kafka_resp_err_t error = rd_kafka_last_error();
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) Fail(topic_name, rd_kafka_err2str(error));
      rd_kafka_poll(client, 100);
    }
    if (i % 1024 == 0) rd_kafka_poll(client, 0);
  }
  rd_kafka_flush(client, 120'000);
  if (deliveries.acknowledged != records) {
    Fail("not all clicks were acknowledged", rd_kafka_err2str(deliveries.fault));
  }
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(client);
}

void IntoFile(const char* path, int64_t records) {
  std::FILE* file = std::fopen(path, "wb");
  if (file == nullptr) Fail(path, "cannot be written");
  constexpr size_t kPiece = 1 << 20;
  std::string lines;
  for (int64_t i = 0; i < records; i++) {
    AppendJson(ClickAt(i), lines);
    lines.push_back('\n');
    if (lines.size() < kPiece && i + 1 < records) continue;
    if (std::fwrite(lines.data(), 1, lines.size(), file) != lines.size()) Fail(path, "disk full?");
    lines.clear();
  }
  if (std::fclose(file) != 0) Fail(path, "disk full?");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string where = argc > 1 ? argv[1] : "";
  const int64_t records = argc > 2 ? std::atoll(argv[argc - 1]) : 0;
  if (where == "kafka" && argc == 5 && records > 0) {
    IntoTopic(argv[2], argv[3], records);
  } else if (where == "file" && argc == 4 && records > 0) {
    IntoFile(argv[2], records);
  } else {
    Fail("usage", "kafka BOOTSTRAP TOPIC RECORDS, or file PATH RECORDS");
  }
  return 0;
}
