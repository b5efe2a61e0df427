#pragma once

// A service of a test's own making, in this process: it answers as the test says and keeps what it
// was asked. Included by *_test.cc only.

#include <httplib.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/catch.h"

namespace weir::testing {

class FakeHttp {
 public:
  struct Answer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
  };
  /// Called by one thread at a time.
  using Handler = std::function<Answer(const httplib::Request& request)>;

  explicit FakeHttp(Handler handler) : handler_(std::move(handler)) {
    const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      const Answer answer = handler_(request);
      response.status = answer.status;
      response.set_content(answer.body, answer.type.c_str());
    };
    server_.Get("/.*", handle);
    server_.Put("/.*", handle);
    server_.Post("/.*", handle);
    server_.set_keep_alive_max_count(1'000'000);
    server_.set_tcp_nodelay(true);
    port_ = server_.bind_to_any_port("127.0.0.1");
    REQUIRE(port_ > 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeHttp() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// What came since the last call.
  std::vector<httplib::Request> TakeRequests() {
    const std::lock_guard lock(mutex_);
    return std::exchange(requests_, {});
  }

 private:
  const Handler handler_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<httplib::Request> requests_;
};

}  // namespace weir::testing
