#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/time.h"
#include "daemon/supervisor/notices.h"

namespace weir {

/// Tells the service manager that started this process how it stands, from a thread of its own,
/// which looks at `standing` all the time: a look that hangs stops the watchdog's food, too.
class Notifier {
 public:
  /// Does nothing where no service manager listens (NOTIFY_SOCKET is not set). What `standing`
  /// borrows outlives the notifier; `clock` too.
  Notifier(std::function<ServiceStanding()> standing, const Clock& clock);
  /// Tells the last of it.
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

 private:
  void Tell();
  void Run();

  const std::function<ServiceStanding()> standing_;
  const Clock& clock_;
  const std::string socket_;
  ServiceNotices notices_;
  bool told_failure_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace weir
