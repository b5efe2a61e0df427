#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "config/store_location.h"
#include "state/checkpoint_store.h"
#include "state/testing.h"
#include "tests/parts/s3_fake.h"

namespace weir::testing {

/// A place for the checkpoints of job `j`: a directory, or a bucket of an S3 service in this
/// process. What lies there can be looked at and damaged by name.
class StorePlace {
 public:
  explicit StorePlace(bool in_s3) : service_(in_s3 ? std::make_unique<FakeS3>() : nullptr) {
    ::setenv("WEIR_TEST_S3_KEY", "test", 1);
  }
  bool in_s3() const { return service_ != nullptr; }
  FakeS3& service() { return *service_; }
  /// The folder of the process that runs the job.
  std::string local() const { return folder_ / "state/j"; }
  std::string operator/(const std::string& name) const { return folder_ / name; }

  StoreLocation location() const {
    if (!service_) return StoreLocation::Directory(folder_ / "state");
    StoreLocation location;
    location.url = "s3://bucket/some/prefix";
    location.endpoint = service_->endpoint();
    location.access_key = Secret(Secret::From::kEnvironment, "WEIR_TEST_S3_KEY");
    location.secret_key = location.access_key;
    location.timeout = Duration::Seconds(1);
    return location;
  }
  Result<std::unique_ptr<CheckpointStore>> TryOpen() const {
    return CheckpointStore::Open(location(), "j", local());
  }
  std::unique_ptr<CheckpointStore> Open() const { return Check(TryOpen()); }

  bool Has(const std::string& name) const {
    if (service_) return service_->objects().contains(Key(name));
    return std::filesystem::exists(Path(name));
  }
  std::string Read(const std::string& name) const {
    if (service_) return service_->objects().at(Key(name));
    std::ifstream file(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(const std::string& name, const std::string& bytes) {
    if (service_) return service_->Set(Key(name), bytes);
    // A new file: the old one may have other links.
    std::filesystem::remove(Path(name));
    std::ofstream(Path(name), std::ios::binary) << bytes;
  }
  void Remove(const std::string& name) {
    if (service_) return service_->Remove(Key(name));
    std::filesystem::remove(Path(name));
  }
  void Flip(const std::string& name, size_t at) {
    std::string bytes = Read(name);
    bytes.at(at) = static_cast<char>(bytes[at] ^ 1);
    Write(name, bytes);
  }
  void Cut(const std::string& name, size_t size) { Write(name, Read(name).substr(0, size)); }
  /// Forgets the process's own folder, as on another machine.
  void ForgetLocal() {
    if (service_) std::filesystem::remove_all(local());
  }

 private:
  static std::string Key(const std::string& name) { return "some/prefix/j/" + name; }
  std::string Path(const std::string& name) const { return local() + "/" + name; }

  const TemporaryFolder folder_;
  const std::unique_ptr<FakeS3> service_;
};

}  // namespace weir::testing
