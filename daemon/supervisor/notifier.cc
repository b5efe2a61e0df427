#include "daemon/supervisor/notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "config/values.h"

namespace weir {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// None where nobody waits, or not for this process.
std::optional<Duration> WatchdogOfEnvironment() {
  const std::string whose = FromEnvironment("WATCHDOG_PID");
  if (!whose.empty() && whose != std::to_string(getpid())) return std::nullopt;
  const Result<int64_t> micros = ParseInteger(FromEnvironment("WATCHDOG_USEC"));
  if (!micros.ok() || *micros <= 0) return std::nullopt;
  return Duration::Micros(*micros);
}

/// The error number, 0 where it was sent.
int Send(const std::string& socket_name, const std::string& text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_name.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, socket_name.data(), socket_name.size());
  if (socket_name.front() == '@') address.sun_path[0] = '\0';  // An abstract one.
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_name.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const ssize_t sent = sendto(fd, text.data(), text.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), length);
  const int error = sent < 0 ? errno : 0;
  close(fd);
  return error;
}

}  // namespace

Notifier::Notifier(std::function<ServiceStanding()> standing, const Clock& clock)
    : standing_(std::move(standing)),
      clock_(clock),
      socket_(FromEnvironment("NOTIFY_SOCKET")),
      notices_(WatchdogOfEnvironment()) {
  if (!socket_.empty()) thread_ = std::thread([this] { Run(); });
}

Notifier::~Notifier() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
  Tell();
}

void Notifier::Run() {
  while (true) {
    Tell();
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, notices_.every().ToChrono(), [this] { return ending_; })) return;
  }
}

void Notifier::Tell() {
  const std::string notice = notices_.Next(standing_(), clock_.Monotonic());
  if (notice.empty()) return;
  const int error = Send(socket_, notice);
  if (error == 0 || told_failure_) return;
  told_failure_ = true;
  log::Warn("the service manager can't be told how this process stands",
            {{"socket", socket_}, {"reason", std::strerror(error)}});
}

}  // namespace weir
