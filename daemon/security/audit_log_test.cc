#include "daemon/security/audit_log.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/security/errors.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

AuditEntry Entry(const std::string& job) {
  AuditEntry entry;
  entry.who = "ci";
  entry.from = "10.0.0.7:51234";
  entry.what = "stop";
  entry.job = job;
  entry.result = "accepted";
  return entry;
}

TEST_CASE("each change is a line of JSON") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "audit.jsonl";
  const ManualClock clock({1'767'322'245'000'000});
  {
    const auto log = AuditLog::Open(path, clock).value();
    log->Write(Entry("clicks"));
    log->Flush();
    CHECK(TextOf(path) ==
          "{\"time\":\"2026-01-02T02:50:45Z\",\"who\":\"ci\",\"from\":\"10.0.0.7:51234\","
          "\"what\":\"stop\",\"job\":\"clicks\",\"result\":\"accepted\"}\n");
    log->Write(Entry("a\"b\n\xff"));
  }
  const std::string text = TextOf(path);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find("a\\\"b\\n\\ufffd") != std::string::npos);
  struct stat about;
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
}

TEST_CASE("a line that a crash cut off does not spoil the next") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "audit.jsonl";
  std::ofstream(path) << "{\"time\":";
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  const ManualClock clock;
  const auto log = AuditLog::Open(path, clock).value();
  log->Write(Entry("clicks"));
  log->Flush();
  CHECK(TextOf(path).find("{\"time\":\n{\"time\":") == 0);
}

TEST_CASE("an audit log that others may read is refused") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "audit.jsonl";
  std::ofstream(path) << "\n";
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  const ManualClock clock;
  CHECK(AuditLog::Open(path, clock).status().Is(errors::kReadByOthers));
}

TEST_CASE("a full audit log is put aside, nine of them are kept") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "audit.jsonl";
  const ManualClock clock;
  const auto log = AuditLog::Open(path, clock, /*file_bytes=*/200).value();
  for (int i = 0; i < 30; i++) {
    log->Write(Entry("job" + std::to_string(i)));
    log->Flush();
  }
  CHECK(TextOf(path).find("job29") != std::string::npos);
  CHECK(TextOf(path + ".1").find("job28") != std::string::npos);
  CHECK(TextOf(path + ".9").find("job20") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(path + ".10"));
}

TEST_CASE("refusals by strangers do not fill the disk") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "audit.jsonl";
  ManualClock clock;
  const auto log = AuditLog::Open(path, clock).value();
  for (int i = 0; i < 100; i++) log->Refused(Entry("clicks"));
  clock.Advance(Duration::Seconds(2));
  log->Refused(Entry("clicks"));
  log->Flush();
  const std::string text = TextOf(path);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find("\"times\":100}") != std::string::npos);
}

}  // namespace
}  // namespace weir
