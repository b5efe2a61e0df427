#pragma once

// The few calls of S3 that weir makes, in this process, for what no real server does when asked to:
// fail, hang, hang up half way, forget rules. Included by *_test.cc only. What weir sends is
// checked (hash of the body, signed or not), the signature itself is not: real servers do that, in
// tests/e2e.

#include <httplib.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/base64.h"
#include "base/hex.h"
#include "clients/sigv4.h"
#include "tests/catch.h"

namespace weir::testing {

class FakeS3 {
 public:
  /// What becomes of a request instead of its due.
  struct Fault {
    int status = 500;
    std::string code = "InternalError";
    bool done_all_the_same = false;  ///< The request is carried out, and this answer given.
    bool hang = false;               ///< No answer, until the server ends.
    bool cut = false;                ///< Half of the object, then the connection is closed.
  };
  /// Asked before each request; `operation` is one of PUT, GET, HEAD, DELETE, LIST, DELETES, BEGIN,
  /// PART, FINISH, ABORT, UPLOADS, COPY (of a key without odd characters). Set while nothing is
  /// under way.
  std::function<std::optional<Fault>(const std::string& operation, const std::string& key)> fault;
  bool ignores_if_none_match = false;
  size_t page = 1000;
  std::string changed =
      "2020-01-02T03:04:05.000Z";  ///< When all objects were put, as it lists them.

  FakeS3() {
    const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
      Handle(request, response);
    };
    server_.Get("/.*", handle);
    server_.Put("/.*", handle);
    server_.Post("/.*", handle);
    server_.Delete("/.*", handle);
    server_.set_keep_alive_max_count(1'000'000);
    server_.set_tcp_nodelay(true);
    server_.new_task_queue = [] { return new httplib::ThreadPool(16); };
    port_ = server_.bind_to_any_port("127.0.0.1");
    REQUIRE(port_ > 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeS3() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    server_.stop();
    thread_.join();
  }

  /// Of the one bucket there is, called `bucket`.
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::map<std::string, std::string> objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
  }
  void Set(const std::string& key, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    objects_[key] = bytes;
  }
  void Remove(const std::string& key) {
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
  }
  /// Requests since the last call, by operation.
  std::map<std::string, int> TakeCounts() {
    const std::lock_guard lock(mutex_);
    return std::exchange(counts_, {});
  }
  /// Header of the newest request of an operation.
  std::string HeaderOf(const std::string& operation, const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto at = newest_.find(operation);
    return at == newest_.end() ? "" : at->second.get_header_value(name.c_str());
  }
  size_t uploads() const {
    const std::lock_guard lock(mutex_);
    return uploads_.size();
  }

 private:
  static std::string OperationOf(const httplib::Request& request, bool bucket) {
    if (request.method == "POST") {
      return request.has_param("delete")    ? "DELETES"
             : request.has_param("uploads") ? "BEGIN"
                                            : "FINISH";
    }
    if (request.method == "GET" && request.has_param("uploads")) return "UPLOADS";
    if (request.has_param("uploadId")) return request.method == "PUT" ? "PART" : "ABORT";
    if (request.has_header("x-amz-copy-source")) return "COPY";
    return bucket ? "LIST" : request.method;
  }

  static void Fail(httplib::Response& response, int status, const std::string& code) {
    response.status = status;
    response.set_content(
        "<Error><Code>" + code + "</Code><Message>told by the test</Message></Error>",
        "application/xml");
  }

  void Handle(const httplib::Request& request, httplib::Response& response) {
    const std::string bucket = "/bucket/";
    if (!request.path.starts_with(bucket)) return Fail(response, 404, "NoSuchBucket");
    const std::string key = request.path.substr(bucket.size());
    const std::string operation = OperationOf(request, key.empty());
    std::optional<Fault> wrong;
    {
      const std::lock_guard lock(mutex_);
      counts_[operation]++;
      newest_[operation] = request;
      if (fault) wrong = fault(operation, key);
    }
    if (wrong && wrong->hang) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_; });
    }
    if (!request.get_header_value("Authorization").starts_with("AWS4-HMAC-SHA256 ")) {
      return Fail(response, 403, "AccessDenied");
    }
    if (request.get_header_value("x-amz-content-sha256") != Hex(Sha256Of(request.body))) {
      return Fail(response, 400, "XAmzContentSHA256Mismatch");
    }
    if (!wrong || wrong->done_all_the_same || wrong->cut) Do(operation, key, request, response);
    if (!wrong) return;
    if (wrong->cut) {
      const std::string body = response.body;
      response.body.clear();
      response.set_content_provider(body.size(), "application/octet-stream",
                                    [body](size_t offset, size_t, httplib::DataSink& sink) {
                                      if (offset > 0) return false;
                                      sink.write(body.data(), body.size() / 2);
                                      return true;
                                    });
      return;
    }
    Fail(response, wrong->status, wrong->code);
  }

  void Do(const std::string& operation, const std::string& key, const httplib::Request& request,
          httplib::Response& response) {
    const std::lock_guard lock(mutex_);
    const auto at = objects_.find(key);
    if (operation == "COPY") {
      const std::string from = request.get_header_value("x-amz-copy-source");
      const auto source = objects_.find(from.substr(std::string("/bucket/").size()));
      if (source == objects_.end()) return Fail(response, 404, "NoSuchKey");
      objects_[key] = source->second;
      response.set_content("<CopyObjectResult></CopyObjectResult>", "application/xml");
    } else if (operation == "PUT") {
      if (request.has_header("If-None-Match") && at != objects_.end() && !ignores_if_none_match) {
        return Fail(response, 412, "PreconditionFailed");
      }
      objects_[key] = request.body;
    } else if (operation == "GET" || operation == "HEAD") {
      if (at == objects_.end()) return Fail(response, 404, "NoSuchKey");
      const std::string tag = TagOf(at->second);
      if (request.has_header("If-Match") && request.get_header_value("If-Match") != tag) {
        return Fail(response, 412, "PreconditionFailed");
      }
      response.set_header("ETag", tag);
      response.set_content(at->second, "application/octet-stream");
    } else if (operation == "DELETE") {
      objects_.erase(key);
      response.status = 204;
    } else if (operation == "DELETES") {
      if (request.get_header_value("Content-MD5") != Base64(Md5Of(request.body))) {
        return Fail(response, 400, "InvalidDigest");
      }
      for (size_t from = 0; (from = request.body.find("<Key>", from)) != std::string::npos;) {
        from += 5;
        objects_.erase(request.body.substr(from, request.body.find("</Key>", from) - from));
      }
      response.set_content("<DeleteResult></DeleteResult>", "application/xml");
    } else if (operation == "LIST") {
      List(request, response);
    } else if (operation == "BEGIN") {
      const std::string id = "upload-" + std::to_string(next_upload_++);
      uploads_[id] = {};
      upload_keys_[id] = key;
      response.set_content("<InitiateMultipartUploadResult><UploadId>" + id +
                               "</UploadId></InitiateMultipartUploadResult>",
                           "application/xml");
    } else if (operation == "UPLOADS") {
      ListUploads(request, response);
    } else if (const auto upload = uploads_.find(request.get_param_value("uploadId"));
               upload == uploads_.end()) {
      Fail(response, 404, "NoSuchUpload");
    } else if (operation == "PART") {
      upload->second[std::stoi(request.get_param_value("partNumber"))] = request.body;
      response.set_header("ETag", "\"" + request.get_param_value("partNumber") + "\"");
    } else if (operation == "FINISH") {
      std::string whole;
      for (const auto& [number, bytes] : upload->second) {
        // Only the parts that the request names count.
        if (request.body.find("<PartNumber>" + std::to_string(number) + "<") != std::string::npos) {
          whole += bytes;
        }
      }
      objects_[key] = whole;
      uploads_.erase(upload);
      response.set_content("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>",
                           "application/xml");
    } else {
      uploads_.erase(upload);
      response.status = 204;
    }
  }

  static std::string TagOf(const std::string& bytes) { return "\"" + Hex(Md5Of(bytes)) + "\""; }

  /// One upload a page.
  void ListUploads(const httplib::Request& request, httplib::Response& response) {
    const std::string prefix = request.get_param_value("prefix");
    const std::string after = request.get_param_value("upload-id-marker");
    std::string body;
    for (const auto& [id, parts] : uploads_) {
      const std::string& key = upload_keys_.at(id);
      if (!key.starts_with(prefix) || (!after.empty() && id <= after)) continue;
      if (!body.empty()) {
        const size_t from = body.find("<UploadId>") + 10;
        const std::string last = body.substr(from, body.find('<', from) - from);
        body += "<IsTruncated>true</IsTruncated><NextKeyMarker>" + upload_keys_.at(last) +
                "</NextKeyMarker><NextUploadIdMarker>" + last + "</NextUploadIdMarker>";
        break;
      }
      body = "<Upload><Key>" + key + "</Key><UploadId>" + id + "</UploadId></Upload>";
    }
    response.set_content("<ListMultipartUploadsResult>" + body + "</ListMultipartUploadsResult>",
                         "application/xml");
  }

  void List(const httplib::Request& request, httplib::Response& response) {
    const std::string prefix = request.get_param_value("prefix");
    const std::string after = request.get_param_value("continuation-token");
    std::string body;
    std::string last;
    size_t count = 0;
    bool truncated = false;
    for (const auto& [key, bytes] : objects_) {
      if (!key.starts_with(prefix) || (!after.empty() && key <= after)) continue;
      if (count == page) {
        truncated = true;
        break;
      }
      body += "<Contents><Key>" + key + "</Key><LastModified>" + changed + "</LastModified><ETag>" +
              TagOf(bytes) + "</ETag><Size>" + std::to_string(bytes.size()) + "</Size></Contents>";
      last = key;
      count++;
    }
    body += std::string("<IsTruncated>") + (truncated ? "true" : "false") + "</IsTruncated>";
    if (truncated) body += "<NextContinuationToken>" + last + "</NextContinuationToken>";
    response.set_content("<ListBucketResult>" + body + "</ListBucketResult>", "application/xml");
  }

  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::map<std::string, std::string> objects_;
  std::map<std::string, std::map<int, std::string>> uploads_;
  std::map<std::string, std::string> upload_keys_;
  std::map<std::string, int> counts_;
  std::map<std::string, httplib::Request> newest_;
  int next_upload_ = 1;
};

}  // namespace weir::testing
