// The least that a reader of Kafka can do with librdkafka: take every record of a topic's
// partitions and touch its bytes. What weir reads is measured against it.
//
//   consume_loop BOOTSTRAP TOPIC PARTITIONS RECORDS [SETTING=VALUE]...
//
// The settings are the library's own, of TLS for example.
//
// One consumer, one queue for each partition, taken in turn in batches, as weir's own reader does.
// Ends after RECORDS records and prints
//   {"records": 10000000, "bytes": …, "seconds": …, "records_per_second": …, "cpu_seconds": …,
//    "checksum": …}

#include <librdkafka/rdkafka.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr size_t kBatch = 4096;

/// What makes the library fast. It allocates for each record and frees it again once it was taken,
/// so what counts is that a record is taken while it is in the processor's cache: answers of half a
/// mebibyte for each partition and queues of some thousand records. Long queues with answers of 8
/// MiB cost twice the processor time, in page faults and cache misses. The queue's bound in bytes
/// is above that of records: with the lower of the two reached, the library pauses fetching for
/// `fetch.queue.backoff.ms`, whose default of one second would be most of the time measured.
constexpr const char* kSettings[][2] = {
    {"queued.min.messages", "20000"},
    {"queued.max.messages.kbytes", "65536"},
    {"fetch.message.max.bytes", "524288"},
    {"fetch.queue.backoff.ms", "1"},
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

[[noreturn]] void Fail(const char* what, const char* reason) {
  std::fprintf(stderr, "consume_loop: %s: %s\n", what, reason);
  std::exit(1);
}

void Set(rd_kafka_conf_t* config, const char* name, const char* value) {
  char reason[256];
  if (rd_kafka_conf_set(config, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
    Fail(name, reason);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) Fail("usage", "consume_loop BOOTSTRAP TOPIC PARTITIONS RECORDS [SETTING=VALUE]...");
  const char* topic = argv[2];
  const int partitions = std::atoi(argv[3]);
  const int64_t wanted = std::atoll(argv[4]);
  if (partitions <= 0 || wanted <= 0) Fail("usage", "PARTITIONS and RECORDS are more than 0");

  rd_kafka_conf_t* config = rd_kafka_conf_new();
  Set(config, "bootstrap.servers", argv[1]);
  Set(config, "group.id", "weir-bench-consume-loop");
  Set(config, "enable.auto.commit", "false");
  Set(config, "enable.auto.offset.store", "false");
  Set(config, "auto.offset.reset", "error");
  Set(config, "isolation.level", "read_committed");
  for (const auto& [name, value] : kSettings) Set(config, name, value);
  for (int i = 5; i < argc; i++) {
    const std::string setting = argv[i];
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) Fail("usage", "settings are NAME=VALUE");
    Set(config, setting.substr(0, equals).c_str(), setting.c_str() + equals + 1);
  }
  char reason[512];
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, config, reason, sizeof reason);
  if (client == nullptr) Fail("consumer", reason);
  rd_kafka_poll_set_consumer(client);

  std::vector<rd_kafka_queue_t*> queues;
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; p++) {
    queues.push_back(rd_kafka_queue_get_partition(client, topic, p));
    rd_kafka_queue_forward(queues.back(), nullptr);
    rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = CpuSeconds();
  if (const auto error = rd_kafka_assign(client, list)) Fail("assign", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(list);

  std::vector<rd_kafka_message_t*> messages(kBatch);
  int64_t records = 0;
  int64_t bytes = 0;
  uint64_t checksum = 0;
  while (records < wanted) {
    ssize_t taken = 0;
    for (rd_kafka_queue_t* queue : queues) {
      const ssize_t count = rd_kafka_consume_batch_queue(queue, 0, messages.data(), kBatch);
      taken += count > 0 ? count : 0;
      for (ssize_t i = 0; i < count; i++) {
        const rd_kafka_message_t* message = messages[i];
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
          Fail("record", rd_kafka_message_errstr(message));
        }
        const auto* payload = static_cast<const unsigned char*>(message->payload);
        for (size_t b = 0; b < message->len; b += 64) checksum += payload[b];
        bytes += static_cast<int64_t>(message->len);
        records++;
        rd_kafka_message_destroy(messages[i]);
      }
    }
    if (taken == 0) {
      // Also serves what is on the main queue (errors).
      rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 1);
      if (message != nullptr) rd_kafka_message_destroy(message);
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf(
      "{\"records\": %lld, \"bytes\": %lld, \"seconds\": %.3f, "
      "\"records_per_second\": %.0f, \"cpu_seconds\": %.3f, \"checksum\": %llu}\n",
      static_cast<long long>(records), static_cast<long long>(bytes), seconds.count(),
      static_cast<double>(records) / seconds.count(), CpuSeconds() - cpu_begin,
      static_cast<unsigned long long>(checksum));
  std::fflush(stdout);
  for (rd_kafka_queue_t* queue : queues) rd_kafka_queue_destroy(queue);
  rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  return 0;
}
