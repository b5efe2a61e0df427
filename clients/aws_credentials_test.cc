#include "clients/aws_credentials.h"

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "clients/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// Gives numbered keys that live for an hour, or an error.
struct Source {
  ManualClock clock{EventTime{1'000'000'000'000'000}};
  int asked = 0;
  bool works = true;
  Duration life = Duration::Hours(1);
  AwsCredentialProvider provider{[this] { return Find(); }, clock};

  Result<AwsCredentials> Find() {
    asked++;
    if (!works) return Status(errors::kServiceAway, "sts is away");
    return AwsCredentials{"AKID" + std::to_string(asked), "HUSH", "", clock.Now() + life};
  }
  std::string Get() {
    const auto keys = provider.Get();
    return keys.ok() ? keys->access_key : keys.status().message();
  }
};

TEST_CASE("keys are kept until five minutes before they end") {
  Source source;
  CHECK(source.Get() == "AKID1");
  source.clock.Advance(Duration::Minutes(54));
  CHECK(source.Get() == "AKID1");
  source.clock.Advance(Duration::Minutes(1));
  CHECK(source.Get() == "AKID2");
  CHECK(source.asked == 2);
}

TEST_CASE("where new keys are not to be had, the old ones are used for as long as they live") {
  Source source;
  CHECK(source.Get() == "AKID1");
  source.clock.Advance(Duration::Minutes(56));
  source.works = false;
  CHECK(source.Get() == "AKID1");
  CHECK(source.Get() == "AKID1");
  CHECK(source.asked == 2);
  source.clock.Advance(Duration::Seconds(10));
  CHECK(source.Get() == "AKID1");
  CHECK(source.asked == 3);
  source.clock.Advance(Duration::Minutes(4));
  CHECK(source.Get() == "sts is away");
  // Without keys, every call is a look.
  CHECK(source.Get() == "sts is away");
  CHECK(source.asked == 5);
  source.works = true;
  CHECK(source.Get() == "AKID6");
}

TEST_CASE("keys that end at once are no keys, and short ones are not renewed without end") {
  Source source;
  source.life = Duration::Seconds(-1);
  CHECK(source.Get().find("ended already") != std::string::npos);
  source.life = Duration::Minutes(2);
  CHECK(source.Get() == "AKID2");
  CHECK(source.Get() == "AKID2");
  source.clock.Advance(Duration::Seconds(10));
  CHECK(source.Get() == "AKID3");
}

TEST_CASE("who was refused gets others, found once for all") {
  Source source;
  const AwsCredentials first = *source.provider.Get();
  CHECK(source.provider.GetOther(first)->access_key == "AKID2");
  CHECK(source.provider.GetOther(first)->access_key == "AKID2");
  CHECK(source.asked == 2);
  source.works = false;
  CHECK(source.provider.GetOther(*source.provider.Get())->access_key == "AKID2");
}

TEST_CASE("many who ask at once make one look") {
  ManualClock clock(EventTime{1'000'000'000'000'000});
  std::promise<void> open;
  const std::shared_future<void> gate(open.get_future());
  std::atomic<int> looks{0};
  AwsCredentialProvider provider(
      [&]() -> Result<AwsCredentials> {
        const int look = ++looks;
        gate.wait();
        return AwsCredentials{"AKID" + std::to_string(look), "HUSH", "",
                              clock.Now() + Duration::Hours(1)};
      },
      clock);
  std::vector<std::future<std::string>> asking;
  for (int i = 0; i < 8; i++) {
    asking.push_back(std::async(std::launch::async, [&] { return provider.Get()->access_key; }));
  }
  while (looks == 0) std::this_thread::yield();
  open.set_value();
  for (auto& answer : asking) CHECK(answer.get() == "AKID1");
  CHECK(looks == 1);

  SECTION("and nobody waits while the old ones live") {
    AwsCredentialProvider* self = nullptr;
    int round = 0;
    AwsCredentialProvider slow(
        [&]() -> Result<AwsCredentials> {
          // The look itself asks: it would wait for itself if it had to wait.
          if (++round == 2) CHECK(self->Get()->access_key == "AKID1");
          return AwsCredentials{"AKID" + std::to_string(round), "HUSH", "",
                                clock.Now() + Duration::Hours(1)};
        },
        clock);
    self = &slow;
    CHECK(slow.Get()->access_key == "AKID1");
    clock.Advance(Duration::Minutes(56));
    CHECK(slow.Get()->access_key == "AKID2");
  }
}

}  // namespace
}  // namespace weir
