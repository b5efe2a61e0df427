#include "daemon/supervisor/notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "base/ids.h"
#include "tests/catch.h"

using namespace weir;

namespace {

/// A service manager's end, as this process's environment names it.
class Listening {
 public:
  explicit Listening(const char* watchdog_us) {
    const std::string name = "@weir-" + RandomId();  // Abstract: nothing is left behind.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    setenv("WATCHDOG_USEC", watchdog_us, 1);
  }
  ~Listening() {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(fd_);
  }
  /// Blocks until there is a message.
  std::string Next() const {
    char text[512];
    const ssize_t length = recv(fd_, text, sizeof text, 0);
    REQUIRE(length > 0);
    return {text, static_cast<size_t>(length)};
  }

 private:
  int fd_ = -1;
};

}  // namespace

TEST_CASE("a notifier tells a socket what is to be told, and its end") {
  const Listening manager("40000");
  std::atomic<bool> done{false};
  {
    std::atomic<uint64_t> turns{0};
    const Notifier notifier(
        [&] {
          ServiceStanding standing;
          standing.phase =
              done ? ServiceStanding::Phase::kStopping : ServiceStanding::Phase::kReady;
          standing.turns = ++turns;
          return standing;
        },
        SystemClock());
    CHECK(manager.Next() == "READY=1\nWATCHDOG=1\n");
    CHECK(manager.Next() == "WATCHDOG=1\n");
    done = true;
  }
  std::string last;
  while (last.find("STOPPING=1\n") == std::string::npos) last = manager.Next();
}

TEST_CASE("a notifier that nobody listens to asks nobody how things stand") {
  unsetenv("NOTIFY_SOCKET");
  std::atomic<bool> asked{false};
  {
    const Notifier notifier(
        [&] {
          asked = true;
          return ServiceStanding{};
        },
        SystemClock());
  }
  CHECK(!asked);
}
