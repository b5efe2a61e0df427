// How fast batches go from one process to another through the exchange, over loopback:
//
//   exchange_bench [CHANNELS [SECONDS [CA CERTIFICATE KEY]]]
//
// One thread for each channel pushes batches of 16,384 clicks with event times (columns of 8 bytes,
// short texts); one thread of the other process takes them. With the three files the processes talk
// TLS. Prints one line: channels, MB/s of frames, million rows/s, seconds of processor time per GB
// on the sending and on the receiving side.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/allocator.h"
#include "daemon/rpc/exchange_client.h"
#include "daemon/rpc/exchange_server.h"
#include "engine/element_frame.h"

namespace weir {
namespace {

constexpr size_t kRows = 16384;
constexpr size_t kBatches = 8;
constexpr AttemptId kAttempt{1, 1};
constexpr size_t kCreditBytes = 4 << 20;

SchemaPtr Clicks() {
  static const auto schema =
      std::make_shared<const Schema>(std::vector<Field>{{"account", TypeKind::kInt64},
                                                        {"product", TypeKind::kInt64},
                                                        {"price", TypeKind::kDouble},
                                                        {"session", TypeKind::kString},
                                                        {"page", TypeKind::kString}});
  return schema;
}

BatchPtr MakeBatch(size_t number) {
  BatchBuilder builder(Clicks());
  auto times = std::make_shared<std::vector<EventTime>>();
  for (size_t i = 0; i < kRows; i++) {
    const auto n = static_cast<int64_t>(number * kRows + i);
    builder.column(0).Append(n * 7919 % 100000);
    builder.column(1).Append(n % 1000);
    builder.column(2).Append(static_cast<double>(n % 10000) / 100.0);
    builder.column(3).AppendText("s-" + std::to_string(n * 104729 % 1000000007));
    builder.column(4).AppendText("/products/" + std::to_string(n % 1000) + "/details");
    times->push_back({1700000000000000 + n * 1000});
  }
  return builder.Finish(std::move(times));
}

ChannelId Channel(size_t number) {
  return {"bench", kAttempt, "clicks -> window " + std::to_string(number) + "-0"};
}

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "exchange_bench: %s\n", what.c_str());
  std::_Exit(1);
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What the receiving process says at its end.
struct Received {
  uint64_t rows = 0;
  double cpu_seconds = 0;
};

void Receive(const Transport& transport, size_t channels, int out) {
  Mailbox mailbox(channels, kCreditBytes);
  ExchangeServer::Options options;
  options.channel_bytes = kCreditBytes;
  options.on_broken = [](const ChannelId&, const Status& status) { Die(status.ToString()); };
  ExchangeServer exchange(options);
  for (size_t c = 0; c < channels; c++) {
    if (!exchange.Expect(Channel(c), Clicks(), mailbox, c).ok()) Die("a channel is refused");
  }
  RpcService* const service = &exchange;
  auto server = RpcServer::Start("127.0.0.1:0", transport, std::span(&service, 1));
  if (!server.ok()) Die(server.status().ToString());
  const std::string address = (*server)->address() + "\n";
  if (write(out, address.data(), address.size()) < 0) Die("the other process is gone");
  Received received;
  for (size_t ended = 0; ended < channels;) {
    const auto delivery = mailbox.Pop(Duration::Seconds(60));
    if (!delivery) Die("nothing came for a minute");
    if (const Rows* rows = std::get_if<Rows>(&delivery->element)) {
      received.rows += rows->batch->rows();
    } else {
      ended++;
    }
  }
  received.cpu_seconds = CpuSeconds();
  if (write(out, &received, sizeof(received)) < 0) Die("the other process is gone");
  (*server)->Shutdown(Duration::Seconds(10));
}

void Send(const Transport& transport, size_t channels, double seconds, int in) {
  std::string address;
  for (char c = 0; read(in, &c, 1) == 1 && c != '\n';) address += c;
  std::vector<BatchPtr> batches;
  for (size_t i = 0; i < kBatches; i++) batches.push_back(MakeBatch(i));
  const size_t frame_bytes = EncodeRows(batches[0], {0, kRows}, 1).bytes;
  ExchangeClient::Options options;
  options.on_broken = [](const ChannelId&, const Status& status) { Die(status.ToString()); };
  ExchangeClient client(transport, options);
  const double cpu_before = CpuSeconds();
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  std::vector<uint64_t> sent(channels);
  std::vector<std::thread> threads;
  for (size_t c = 0; c < channels; c++) {
    threads.emplace_back([&, c] {
      const auto channel = client.Open(address, Channel(c), *Clicks());
      while (passed() < seconds) {
        if (!channel->Push(Rows{batches[sent[c] % kBatches]})) Die("the channel is closed");
        sent[c]++;
      }
      channel->Push(Barrier{{Epoch{1}, 1}, true});
    });
  }
  for (std::thread& thread : threads) thread.join();
  Received received;
  if (read(in, &received, sizeof(received)) != sizeof(received)) Die("the receiver said nothing");
  const double took = passed();
  const double cpu = CpuSeconds() - cpu_before;
  uint64_t total = 0;
  for (uint64_t count : sent) total += count;
  if (received.rows != total * kRows) Die("rows are missing");
  const double bytes = static_cast<double>(total) * static_cast<double>(frame_bytes);
  std::printf(
      "%zu channels  %7.1f MB/s  %6.2f M rows/s  %5.3f s/GB sending  %5.3f s/GB receiving\n",
      channels, bytes / took / 1e6, static_cast<double>(received.rows) / took / 1e6,
      cpu / bytes * 1e9, received.cpu_seconds / bytes * 1e9);
}

int Main(int argc, char** argv) {
  const size_t channels = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1;
  const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 3;
  KeepFreedMemory();
  if (channels == 0 || channels > 1000 || seconds <= 0 || (argc > 3 && argc != 6)) {
    Die("usage: exchange_bench [CHANNELS [SECONDS [CA CERTIFICATE KEY]]]");
  }
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) Die("no pipe");
  const pid_t child = fork();  // Before gRPC has threads.
  if (child < 0) Die("cannot fork");
  const auto transport = [&] {
    if (argc <= 3) return Transport::Plain();
    Result<Transport> tls = Transport::MutualTls({argv[3], argv[4], argv[5]}, PeerRole::kWorker,
                                                 std::make_shared<Refusals>(SystemClock()));
    if (!tls.ok()) Die(tls.status().ToString());
    return *std::move(tls);
  };
  if (child == 0) {
    close(pipe_ends[0]);
    Receive(transport(), channels, pipe_ends[1]);
    return 0;
  }
  close(pipe_ends[1]);
  Send(transport(), channels, seconds, pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
