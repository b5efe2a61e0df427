// Says whether what a job made of the first RECORDS clicks is exact, down to the last row:
//
//   check_clicks half BOOTSTRAP TOPIC RECORDS     each mobile click once, whole, in order
//   check_clicks products RECORDS FOLDER          clicks of each product in ten seconds
//   check_clicks mobile_products RECORDS FOLDER   the same of mobile clicks
//   check_clicks sessions RECORDS FOLDER          sessions of accounts, gap one second
//   check_clicks users RECORDS FOLDER             number and sum for each user
//
// What is expected is computed from the formula of clicks.h alone; nothing here is weir's. Results
// are read from the JSON lines of a folder's files. Prints `exact N rows` or ends with 1 and the
// first difference.

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "bench/clicks.h"

namespace {

using weir::bench::Click;
using weir::bench::ClickAt;

constexpr int64_t kWindow_ms = 10'000;
constexpr int64_t kGap_ms = 1'000;

[[noreturn]] void Fail(const std::string& what, std::string_view about) {
  std::fprintf(stderr, "check_clicks: %s: %.*s\n", what.c_str(), static_cast<int>(about.size()),
               about.data());
  std::exit(1);
}

/// The text of a member of a flat JSON object, a string's without its quotes. Texts of clicks hold
/// nothing that JSON escapes.
std::string_view Member(std::string_view json, std::string_view name) {
  std::string quoted;
  quoted.append("\"").append(name).append("\":");
  const size_t found = json.find(quoted);
  if (found == std::string_view::npos) Fail("no member " + std::string(name), json);
  json.remove_prefix(found + quoted.size());
  if (json.starts_with('"')) {
    json.remove_prefix(1);
    return json.substr(0, json.find('"'));
  }
  return json.substr(0, json.find_first_of(",}"));
}

int64_t Number(std::string_view json, std::string_view name) {
  const std::string_view text = Member(json, name);
  int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) {
    Fail("no number at " + std::string(name), json);
  }
  return value;
}

/// Calls `row` for each line of each file that a reader of the folder would see.
template <typename Row>
void ForEachLine(const char* folder, Row row) {
  std::string line;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.starts_with('_') || name.starts_with('.')) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    while (std::getline(file, line)) row(std::string_view(line));
  }
}

/// Compares rows that were found with those expected; both may come in any order.
template <typename Row>
size_t Compare(std::vector<Row>& expected, std::vector<Row>& found) {
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  if (expected == found) return found.size();
  const auto [e, f] = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
  const auto text = [](auto at, auto end) {
    if (at == end) return std::string("nothing");
    return std::apply([](const auto&... part) { return ((std::to_string(part) + " ") + ...); },
                      *at);
  };
  Fail("expected " + std::to_string(expected.size()) + " rows, found " +
           std::to_string(found.size()) + "; first difference",
       "expected " + text(e, expected.end()) + ", found " + text(f, found.end()));
}

int64_t ProductNumber(std::string_view name) {
  const auto* at =
      std::find(std::begin(weir::bench::kProducts), std::end(weir::bench::kProducts), name);
  if (at == std::end(weir::bench::kProducts)) Fail("unknown product", name);
  return at - std::begin(weir::bench::kProducts);
}

size_t Products(int64_t records, bool only_mobile, const char* folder) {
  using Row = std::tuple<int64_t, int64_t, int64_t>;  // Begin, product, clicks.
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  for (int64_t i = 0; i < records; i++) {
    const Click click = ClickAt(i);
    if (only_mobile && click.devicetype != "mobile") continue;
    counts[{click.eventtimestamp / kWindow_ms * kWindow_ms, ProductNumber(click.product_type)}]++;
  }
  std::vector<Row> expected;
  for (const auto& [key, count] : counts) expected.emplace_back(key.first, key.second, count);
  std::vector<Row> found;
  ForEachLine(folder, [&](std::string_view line) {
    found.emplace_back(Number(line, "begin"), ProductNumber(Member(line, "product")),
                       Number(line, "clicks"));
  });
  return Compare(expected, found);
}

size_t Sessions(int64_t records, const char* folder) {
  using Row = std::tuple<int64_t, int64_t, int64_t, int64_t>;  // Account, begin, end, clicks.
  std::vector<std::pair<int64_t, int64_t>> clicks;
  clicks.reserve(static_cast<size_t>(records));
  for (int64_t i = 0; i < records; i++) {
    const Click click = ClickAt(i);
    clicks.emplace_back(click.account, click.eventtimestamp);
  }
  std::sort(clicks.begin(), clicks.end());
  std::vector<Row> expected;
  for (size_t i = 0; i < clicks.size();) {
    const auto [account, begin] = clicks[i];
    size_t next = i + 1;
    while (next < clicks.size() && clicks[next].first == account &&
           clicks[next].second - clicks[next - 1].second <= kGap_ms) {
      next++;
    }
    expected.emplace_back(account, begin, clicks[next - 1].second + kGap_ms,
                          static_cast<int64_t>(next - i));
    i = next;
  }
  std::vector<Row> found;
  ForEachLine(folder, [&](std::string_view line) {
    found.emplace_back(Number(line, "account"), Number(line, "begin"), Number(line, "end"),
                       Number(line, "clicks"));
  });
  return Compare(expected, found);
}

size_t Users(int64_t records, const char* folder) {
  using Row = std::tuple<int64_t, int64_t, int64_t>;  // User, clicks, total.
  std::vector<Row> totals(weir::bench::kUsers);
  for (int64_t i = 0; i < records; i++) {
    const Click click = ClickAt(i);
    auto& [user, clicks, total] = totals[static_cast<size_t>(click.userid)];
    user = click.userid;
    clicks++;
    total += click.globalseq;
  }
  std::erase_if(totals, [](const Row& row) { return std::get<1>(row) == 0; });
  std::vector<Row> found;
  ForEachLine(folder, [&](std::string_view line) {
    found.emplace_back(Number(line, "user"), Number(line, "clicks"), Number(line, "total"));
  });
  return Compare(totals, found);
}

/// Reads all that is committed in the topic. Clicks of one input partition must have kept their
/// order wherever they went.
size_t Half(const char* bootstrap, const char* topic, int64_t records) {
  rd_kafka_conf_t* config = rd_kafka_conf_new();
  char reason[512];
  const auto set = [&](const char* name, const char* value) {
    if (rd_kafka_conf_set(config, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
      Fail(name, reason);
    }
  };
  set("bootstrap.servers", bootstrap);
  set("group.id", "weir-bench-check");
  set("enable.auto.commit", "false");
  set("auto.offset.reset", "error");
  set("isolation.level", "read_committed");
  set("enable.partition.eof", "true");
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, config, reason, sizeof reason);
  if (client == nullptr) Fail("consumer", reason);
  rd_kafka_poll_set_consumer(client);
  rd_kafka_topic_partition_list_t* list =
      rd_kafka_topic_partition_list_new(weir::bench::kPartitions);
  for (int p = 0; p < weir::bench::kPartitions; p++) {
    rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  if (const auto error = rd_kafka_assign(client, list)) Fail("assign", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(list);

  std::vector<bool> seen(static_cast<size_t>(records));
  // By partition of the input and of the output: the last click that was found there.
  int64_t last[weir::bench::kPartitions][weir::bench::kPartitions];
  for (auto& row : last) std::fill(std::begin(row), std::end(row), int64_t{-1});
  size_t found = 0;
  std::string whole;
  for (int ended = 0; ended < weir::bench::kPartitions;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 30'000);
    if (message == nullptr) Fail(topic, "nothing came for 30 s");
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended++;
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Fail(topic, rd_kafka_message_errstr(message));
    } else {
      const std::string_view json(static_cast<const char*>(message->payload), message->len);
      const int64_t index = Number(json, "globalseq");
      if (index < 0 || index >= records) Fail("a click that never was", json);
      const Click click = ClickAt(index);
      whole.clear();
      AppendJson(click, whole);
      if (json != whole || click.devicetype != "mobile") Fail("not the click that was sent", json);
      if (seen[static_cast<size_t>(index)]) Fail("twice", json);
      seen[static_cast<size_t>(index)] = true;
      int64_t& before = last[index % weir::bench::kPartitions][message->partition];
      if (index < before) Fail("out of order", json);
      before = index;
      found++;
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  for (int64_t i = 0; i < records; i++) {
    if (!seen[static_cast<size_t>(i)] && ClickAt(i).devicetype == "mobile") {
      Fail("a click is missing", std::to_string(i));
    }
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  size_t rows = 0;
  if (what == "half" && argc == 5) {
    rows = Half(argv[2], argv[3], std::atoll(argv[4]));
  } else if (what == "products" && argc == 4) {
    rows = Products(std::atoll(argv[2]), false, argv[3]);
  } else if (what == "mobile_products" && argc == 4) {
    rows = Products(std::atoll(argv[2]), true, argv[3]);
  } else if (what == "sessions" && argc == 4) {
    rows = Sessions(std::atoll(argv[2]), argv[3]);
  } else if (what == "users" && argc == 4) {
    rows = Users(std::atoll(argv[2]), argv[3]);
  } else {
    Fail("usage",
         "half BOOTSTRAP TOPIC RECORDS, or products, mobile_products, sessions or users "
         "with RECORDS FOLDER");
  }
  std::printf("exact %zu rows\n", rows);
  return 0;
}
