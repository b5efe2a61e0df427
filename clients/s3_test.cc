#include "clients/s3.h"

#include <filesystem>
#include <fstream>

#include "base/base64.h"
#include "base/ids.h"
#include "clients/errors.h"
#include "tests/catch.h"
#include "tests/parts/s3_fake.h"

namespace weir {
namespace {

using testing::FakeS3;

const std::string kSecret = "SECRET/of+the=test";

S3Options OptionsFor(const FakeS3& fake) {
  S3Options options;
  options.bucket = "bucket";
  options.endpoint = fake.endpoint();
  options.region = "us-east-1";
  options.path_style = true;
  options.retry.first_wait = Duration::Millis(1);
  options.retry.longest_wait = Duration::Millis(4);
  options.http.stall_timeout = Duration::Seconds(1);
  return options;
}

AwsCredentialProvider& Keys() {
  static AwsCredentialProvider keys([] { return Result(AwsCredentials{"AKID", kSecret, ""}); },
                                    SystemClock());
  return keys;
}

std::unique_ptr<S3Client> ClientOf(S3Options options) {
  auto made = S3Client::Make(std::move(options), Keys(), SystemClock());
  REQUIRE(made.ok());
  return std::move(made).value();
}

template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) {
    INFO(result.status().ToString());
    REQUIRE(result.ok());
  }
  return std::move(result).value();
}

void Check(const Status& status) {
  INFO(status.ToString());
  REQUIRE(status.ok());
}

/// An error in the words of the service, without the keys.
Status Refused(Status status) {
  REQUIRE_FALSE(status.ok());
  CHECK(status.ToString().find(kSecret) == std::string::npos);
  return status;
}

Result<std::string> ReadAll(S3Client& client, const std::string& key, uint64_t offset = 0,
                            uint64_t length = 0) {
  std::string all;
  const bool there = WEIR_TRY(client.Get(
      key,
      [&](std::string_view piece) {
        all += piece;
        return Status::Ok();
      },
      offset, length));
  return there ? all : std::string("(none)");
}

/// A file of `size` bytes that is gone at the end.
class LocalFile {
 public:
  explicit LocalFile(size_t size)
      : path_((std::filesystem::temp_directory_path() / ("weir-s3-" + RandomId())).string()) {
    for (size_t i = 0; i < size; i++) bytes_ += static_cast<char>('a' + i * 31 % 26);
    std::ofstream(path_, std::ios::binary) << bytes_;
  }
  ~LocalFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  const std::string& bytes() const { return bytes_; }

 private:
  const std::string path_;
  std::string bytes_;
};

TEST_CASE("objects are put, read in parts, listed and removed") {
  FakeS3 fake;
  fake.page = 2;
  auto client = ClientOf(OptionsFor(fake));
  Check(client->Put("a/x y+z", "0123456789"));
  CHECK(fake.HeaderOf("PUT", "x-amz-checksum-sha256") == Base64(Sha256Of("0123456789")));
  CHECK(Check(ReadAll(*client, "a/x y+z")) == "0123456789");
  CHECK(Check(ReadAll(*client, "a/x y+z", 3, 4)) == "3456");
  CHECK(Check(ReadAll(*client, "a/x y+z", 7)) == "789");
  CHECK(Check(ReadAll(*client, "nowhere")) == "(none)");
  CHECK(Check(client->Head("a/x y+z")) == 10);
  CHECK_FALSE(Check(client->Head("nowhere")).has_value());
  CHECK(Check(client->Create("a/one", "1")) == S3Created::kCreated);
  CHECK(Check(client->Create("a/one", "2")) == S3Created::kExists);
  CHECK(fake.objects().at("a/one") == "1");
  for (const char* key : {"a/2", "a/3", "b/4"}) Check(client->Put(key, key));
  fake.TakeCounts();
  const std::vector<S3Object> listed = Check(client->List("a/"));
  REQUIRE(listed.size() == 4);
  CHECK(listed[3].key == "a/x y+z");
  CHECK(listed[3].size == 10);
  CHECK(listed[3].changed.us == 1'577'934'245'000'000);
  CHECK(fake.TakeCounts() == std::map<std::string, int>{{"LIST", 2}});
  Check(client->Delete({"a/2", "a/3", "a/gone", "a/one"}));
  Check(client->Delete({"a/x y+z"}));
  Check(client->Delete({}));
  CHECK(fake.TakeCounts() == std::map<std::string, int>{{"DELETES", 1}, {"DELETE", 1}});
  CHECK(fake.objects().size() == 1);
}

TEST_CASE("objects are copied where they lie") {
  FakeS3 fake;
  auto client = ClientOf(OptionsFor(fake));
  Check(client->Put("a/x", "0123456789"));
  Check(client->Copy("a/x", "b/x y+z"));
  CHECK(fake.objects().at("b/x y+z") == "0123456789");
  CHECK(fake.HeaderOf("COPY", "x-amz-copy-source") == "/bucket/a/x");
  CHECK_FALSE(client->Copy("nowhere", "b/2").ok());
  // An error may come with status 200, and may pass.
  int left = 1;
  fake.fault = [&](const std::string& operation, const std::string&) {
    return operation == "COPY" && left-- > 0 ? std::optional(FakeS3::Fault{.status = 200})
                                             : std::nullopt;
  };
  Check(client->Copy("a/x", "b/3"));
  CHECK(fake.objects().at("b/3") == "0123456789");
}

TEST_CASE("files go whole, or in parts where they are large") {
  FakeS3 fake;
  S3Options options = OptionsFor(fake);
  options.whole_bytes = 1 << 20;
  options.part_bytes = 1 << 20;
  auto client = ClientOf(options);
  for (const size_t size : {size_t{0}, size_t{1} << 20, (size_t{5} << 20) / 2}) {
    const LocalFile file(size);
    Check(client->PutFile("f", file.path(), size, Sha256Of(file.bytes())));
    CHECK(fake.objects().at("f") == file.bytes());
  }
  const std::map<std::string, int> counts = fake.TakeCounts();
  CHECK(counts == std::map<std::string, int>{{"PUT", 2}, {"BEGIN", 1}, {"PART", 3}, {"FINISH", 1}});

  SECTION("a part that fails once is sent once more") {
    int parts = 0;
    fake.fault = [&](const std::string& operation, const std::string&) {
      return operation == "PART" && ++parts == 2 ? std::optional(FakeS3::Fault{}) : std::nullopt;
    };
    const LocalFile file(size_t{3} << 20);
    Check(client->PutFile("f", file.path(), size_t{3} << 20, Sha256Of(file.bytes())));
    CHECK(fake.objects().at("f") == file.bytes());
    CHECK(fake.TakeCounts().at("PART") == 4);
  }
  SECTION("one that fails for good leaves nothing behind") {
    fake.fault = [](const std::string& operation, const std::string&) {
      return operation == "PART" ? std::optional(FakeS3::Fault{403, "AccessDenied"}) : std::nullopt;
    };
    const LocalFile file(size_t{3} << 20);
    const Status refused =
        Refused(client->PutFile("g", file.path(), size_t{3} << 20, Sha256Of(file.bytes())));
    CHECK(refused.Is(errors::kAccessDenied));
    CHECK(fake.uploads() == 0);
    CHECK_FALSE(fake.objects().contains("g"));
  }
  SECTION("one whose end nobody heard of is looked for") {
    int ends = 0;
    fake.fault = [&](const std::string& operation, const std::string&) {
      return operation == "FINISH" && ++ends == 1
                 ? std::optional(FakeS3::Fault{500, "InternalError", /*done_all_the_same=*/true})
                 : std::nullopt;
    };
    const LocalFile file(size_t{3} << 20);
    Check(client->PutFile("h", file.path(), size_t{3} << 20, Sha256Of(file.bytes())));
    CHECK(fake.objects().at("h") == file.bytes());
  }
}

TEST_CASE("what may pass is tried again, for a while") {
  FakeS3 fake;
  auto client = ClientOf(OptionsFor(fake));
  int left = 0;
  FakeS3::Fault wrong;
  fake.fault = [&](const std::string&, const std::string&) {
    return left-- > 0 ? std::optional(wrong) : std::nullopt;
  };
  for (const auto& [status, code] :
       std::vector<std::pair<int, std::string>>{{500, "InternalError"},
                                                {503, "SlowDown"},
                                                {429, ""},
                                                {409, "ConditionalRequestConflict"},
                                                {400, "RequestTimeout"}}) {
    INFO(status << code);
    left = 3;
    wrong = {status, code};
    Check(client->Put("k", "bytes"));
    left = 1000;
    const Status refused = Refused(client->Put("k", "bytes"));
    CHECK(refused.Is(errors::kServiceBusy));
    CHECK(refused.message().find("s3://bucket/k: status " + std::to_string(status)) !=
          std::string::npos);
    CHECK(1000 - left == OptionsFor(fake).retry.tries);
  }
}

TEST_CASE("what does not pass is an error at once, with its cure") {
  FakeS3 fake;
  auto client = ClientOf(OptionsFor(fake));
  FakeS3::Fault wrong;
  fake.fault = [&](const std::string&, const std::string&) { return std::optional(wrong); };
  const auto refused = [&](int status, const std::string& code) {
    wrong = {status, code};
    fake.TakeCounts();
    const Status error = Refused(client->Put("k", "bytes"));
    CHECK(fake.TakeCounts().at("PUT") == 1);
    return error;
  };
  CHECK(refused(403, "AccessDenied").cure().find("s3:PutObject") != std::string::npos);
  CHECK(refused(403, "SignatureDoesNotMatch").cure().find("secret_key") != std::string::npos);
  CHECK(refused(403, "RequestTimeTooSkewed").cure().find("clock") != std::string::npos);
  CHECK(refused(400, "ExpiredToken").Is(errors::kAccessDenied));
  CHECK(refused(400, "KMS.NotFoundException").cure().find("kms_key") != std::string::npos);
  CHECK(refused(301, "PermanentRedirect").Is(errors::kNoBucket));
  CHECK(refused(404, "NoSuchBucket").Is(errors::kNoBucket));
  CHECK(refused(501, "NotImplemented").Is(errors::kServiceRefused));
  wrong = {404, "NoSuchBucket"};
  CHECK(Refused(ReadAll(*client, "k").status()).Is(errors::kNoBucket));
}

TEST_CASE("a body that breaks off is taken up where it broke") {
  FakeS3 fake;
  auto client = ClientOf(OptionsFor(fake));
  std::string bytes;
  for (int i = 0; i < 500'000; i++) bytes += static_cast<char>('a' + i * 7 % 26);
  fake.Set("k", bytes);
  int cuts = 2;
  fake.fault = [&](const std::string&, const std::string&) {
    return cuts-- > 0 ? std::optional(FakeS3::Fault{200, "", false, false, /*cut=*/true})
                      : std::nullopt;
  };
  CHECK(Check(ReadAll(*client, "k")) == bytes);
  CHECK(fake.TakeCounts().at("GET") == 3);
}

TEST_CASE("a service that hangs is given up, and so is a call that nobody wants any more") {
  FakeS3 fake;
  S3Options options = OptionsFor(fake);
  options.retry.bound = Duration::Millis(500);
  auto client = ClientOf(options);
  fake.fault = [](const std::string&, const std::string& key) {
    return key == "k" ? std::optional(FakeS3::Fault{0, "", false, /*hang=*/true}) : std::nullopt;
  };
  const Duration begin = SystemClock().Monotonic();
  const Status refused = Refused(client->Put("k", "bytes"));
  CHECK(refused.Is(errors::kServiceAway));
  CHECK(SystemClock().Monotonic().us - begin.us < Duration::Seconds(10).us);
  Check(client->Put("other", "bytes"));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    client->Cancel();
  });
  CHECK(Refused(client->Put("k", "bytes")).Is(errors::kCallCancelled));
  other.join();
  CHECK(client->Put("other", "bytes").Is(errors::kCallCancelled));
}

TEST_CASE("nobody at home, and a stranger") {
  FakeS3 fake;
  S3Options options = OptionsFor(fake);
  SECTION("a port that nobody listens at") {
    options.endpoint = "http://127.0.0.1:1";
    auto client = ClientOf(options);
    CHECK(Refused(client->Put("k", "v")).Is(errors::kServiceAway));
    CHECK(client->requests() > 1);
  }
  SECTION("no TLS where it is wanted") {
    options.endpoint = "https" + options.endpoint.substr(4);
    CHECK(Refused(ClientOf(options)->Put("k", "v")).Is(errors::kServiceAway));
  }
  SECTION("certificates that are not there") {
    options.endpoint = "https" + options.endpoint.substr(4);
    options.http.ca_file = "/nowhere/ca.pem";
    CHECK(Refused(ClientOf(options)->Put("k", "v")).Is(errors::kNotTrusted));
  }
  SECTION("another service") {
    fake.fault = [](const std::string&, const std::string&) {
      return std::optional(FakeS3::Fault{200, "a page of something else"});
    };
    CHECK(Refused(ClientOf(options)->List("").status()).Is(errors::kBadAnswer));
  }
  SECTION("a sink that can take no more") {
    fake.Set("k", "bytes");
    auto client = ClientOf(options);
    const Status full(errors::kServiceAway, "disk full");
    const auto read = client->Get("k", [&](std::string_view) { return full; });
    REQUIRE_FALSE(read.ok());
    CHECK(read.status().message() == "disk full");
    CHECK(client->requests() == 1);
  }
}

TEST_CASE("keys that have ended are looked for anew, once") {
  FakeS3 fake;
  int asked = 0;
  AwsCredentialProvider provider(
      [&]() -> Result<AwsCredentials> {
        asked++;
        return AwsCredentials{"AKID" + std::to_string(asked), kSecret, "TOKEN"};
      },
      SystemClock());
  auto client = Check(S3Client::Make(OptionsFor(fake), provider, SystemClock()));
  int left = 1;
  fake.fault = [&](const std::string&, const std::string&) {
    return left-- > 0 ? std::optional(FakeS3::Fault{400, "ExpiredToken"}) : std::nullopt;
  };
  Check(client->Put("k", "v"));
  CHECK(asked == 2);
  CHECK(fake.HeaderOf("PUT", "Authorization").find("AKID2/") != std::string::npos);
  CHECK(fake.HeaderOf("PUT", "x-amz-security-token") == "TOKEN");
  left = 1000;
  CHECK(Refused(client->Put("k", "v")).Is(errors::kAccessDenied));
}

TEST_CASE("addresses and encryption are as they are asked for") {
  FakeS3 fake;
  S3Options options = OptionsFor(fake);
  const auto make = [&] { return S3Client::Make(options, Keys(), SystemClock()); };
  for (const char* endpoint : {"minio:9000", "ftp://x", "https://", "https://a/b", "https://u@h"}) {
    options.endpoint = endpoint;
    CHECK(make().status().Is(errors::kBadServiceOption));
  }
  options = OptionsFor(fake);
  options.region.clear();
  CHECK(make().status().Is(errors::kBadServiceOption));
  options = OptionsFor(fake);
  options.encryption = S3Encryption::kKms;
  options.kms_key = "key/1";
  Check(ClientOf(options)->Put("k", "v"));
  CHECK(fake.HeaderOf("PUT", "x-amz-server-side-encryption") == "aws:kms");
  CHECK(fake.HeaderOf("PUT", "x-amz-server-side-encryption-aws-kms-key-id") == "key/1");
  // In the host's name, the bucket leads to a host that is not there.
  options.path_style = false;
  options.endpoint = "http://localhost.invalid";
  options.retry.tries = 1;
  const Status away = Refused(ClientOf(options)->Put("k", "v"));
  CHECK(away.message().find("bucket.localhost.invalid") != std::string::npos);
}

TEST_CASE("waits grow, are spread, and end") {
  RetryPolicy policy;
  policy.tries = 5;
  CHECK(NextWait(policy, 1, {}, 1.0) == policy.first_wait);
  CHECK(NextWait(policy, 1, {}, 0.0) == Duration{policy.first_wait.us / 2});
  CHECK(NextWait(policy, 3, {}, 1.0) == Duration{policy.first_wait.us * 4});
  policy.longest_wait = Duration::Millis(150);
  CHECK(NextWait(policy, 3, {}, 1.0) == Duration::Millis(150));
  CHECK_FALSE(NextWait(policy, 5, {}, 1.0).has_value());
  CHECK_FALSE(NextWait(policy, 1, policy.bound, 1.0).has_value());
  for (const int status : {408, 429, 500, 502, 503, 504}) CHECK(MayPass(status));
  for (const int status : {200, 301, 400, 403, 404, 412, 501}) CHECK_FALSE(MayPass(status));
}

TEST_CASE("uploads are put together of the parts that are named, once") {
  FakeS3 fake;
  const auto client = ClientOf(OptionsFor(fake));
  const std::string upload = Check(client->BeginUpload("t/a"));
  const S3Part first = Check(client->PutPart("t/a", upload, 1, "one")).value();
  // What a writer that was thought dead sends later is not named, and does not count.
  const S3Part last = Check(client->PutPart("t/a", upload, 10'000, "last")).value();
  Check(client->PutPart("t/a", upload, 2, "late"));
  CHECK(fake.objects().empty());
  CHECK(Check(client->FinishUpload("t/a", upload, {first, last})));
  CHECK(fake.objects().at("t/a") == "onelast");
  CHECK_FALSE(Check(client->FinishUpload("t/a", upload, {first, last})));
  CHECK_FALSE(Check(client->PutPart("t/a", upload, 3, "x")).has_value());
  Check(client->EndUpload("t/a", upload));
  CHECK(fake.objects().at("t/a") == "onelast");
}

TEST_CASE("uploads that were not ended are listed, page by page, below a prefix") {
  FakeS3 fake;
  const auto client = ClientOf(OptionsFor(fake));
  for (const char* key : {"t/a", "other/b", "t/c", "t/a"}) Check(client->BeginUpload(key));
  std::vector<std::string> keys;
  for (const S3Upload& upload : Check(client->ListUploads("t/"))) {
    keys.push_back(upload.key);
    Check(client->EndUpload(upload.key, upload.id));
  }
  CHECK(keys == std::vector<std::string>{"t/a", "t/c", "t/a"});
  CHECK(Check(client->ListUploads("t/")).empty());
  CHECK(fake.uploads() == 1);
}

TEST_CASE("a piece of an object comes only while it is the one that was listed") {
  FakeS3 fake;
  fake.Set("a", "0123456789");
  const auto client = ClientOf(OptionsFor(fake));
  const std::string tag = Check(client->List("")).at(0).tag;
  CHECK(Check(client->GetPiece("a", tag, 3, 4)) == "3456");
  int cuts = 2;
  fake.fault = [&](const std::string& operation,
                   const std::string&) -> std::optional<FakeS3::Fault> {
    if (operation != "GET" || cuts-- <= 0) return std::nullopt;
    return FakeS3::Fault{503, "SlowDown"};
  };
  CHECK(Check(client->GetPiece("a", tag, 0, 10)) == "0123456789");
  fake.Set("a", "012345678X");
  CHECK_FALSE(Check(client->GetPiece("a", tag, 3, 4)).has_value());
  fake.Remove("a");
  CHECK_FALSE(Check(client->GetPiece("a", tag, 3, 4)).has_value());
}

}  // namespace
}  // namespace weir
