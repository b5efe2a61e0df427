#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace weir {

/// Whose fault an error is, and so what is done about it.
enum class ErrorKind {
  kInvalid,   ///< The job, a flag or a file of the user's is wrong: nothing starts (exit 2).
  kRetry,     ///< The outside is away for now: the same call may succeed later.
  kFailed,    ///< The job cannot go on until somebody mends what is named (exit 1).
  kDecision,  ///< weir could go on in more than one way and the user must choose (exit 3).
  kGaveUp,    ///< Waited as long as it was told to (exit 4).
};

inline constexpr ErrorKind kErrorKinds[] = {ErrorKind::kInvalid, ErrorKind::kRetry,
                                            ErrorKind::kFailed, ErrorKind::kDecision,
                                            ErrorKind::kGaveUp};
/// As the API tells and the job store keeps it: `invalid`, `retry`, `failed`, `decision`, `gave
/// up`.
std::string_view NameOf(ErrorKind kind);

/// One kind of error that users meet, e.g. `WEIR-K003`. Declared `inline constexpr` once, in the
/// `errors.h` of the folder that raises it; the letter names the folder's subject (J job file,
/// X expression, F format, K kafka, L local files, S state and checkpoints, E engine, C command,
/// M manager, W worker, R connections between processes, A services over HTTP).
struct ErrorCode {
  std::string_view id;
  ErrorKind kind;
};

/// The outcome of an operation: ok, or an error with its code, what went wrong (with the place:
/// file:line:column, topic/partition/offset or step), and what to do about it.
/// Cheap to move; an ok Status holds no memory.
class [[nodiscard]] Status {
 public:
  Status() = default;
  /// `code` must outlive the Status (codes are constants). `message` says where, what and why in
  /// one sentence without a full stop; `cure` says what to do, may be empty.
  Status(const ErrorCode& code, std::string message, std::string cure = {})
      : error_(std::make_unique<Error>(Error{&code, std::move(message), std::move(cure)})) {}

  static Status Ok() { return Status(); }

  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  Status(const Status& other)
      : error_(other.error_ ? std::make_unique<Error>(*other.error_) : nullptr) {}
  Status& operator=(const Status& other) {
    error_ = other.error_ ? std::make_unique<Error>(*other.error_) : nullptr;
    return *this;
  }

  bool ok() const { return error_ == nullptr; }

  /// The rest may be asked of an error only.
  const ErrorCode& code() const { return *Get().code; }
  bool Is(const ErrorCode& code) const { return error_ && error_->code->id == code.id; }
  ErrorKind kind() const { return Get().code->kind; }
  const std::string& message() const { return Get().message; }
  const std::string& cure() const { return Get().cure; }

  /// `WEIR-K003: message. Cure`, or "ok".
  std::string ToString() const;

  /// The same error said from further out: "`context`: message".
  Status WithContext(std::string_view context) &&;

 private:
  struct Error {
    const ErrorCode* code;
    std::string message;
    std::string cure;
  };
  const Error& Get() const {
    WEIR_CHECK(error_ != nullptr);
    return *error_;
  }
  std::unique_ptr<Error> error_;
};

/// A value, or the error that stood in its way.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::in_place_index<0>, std::move(value)) {}        // NOLINT: implicit
  Result(Status status) : value_(std::in_place_index<1>, std::move(status)) {  // NOLINT: implicit
    WEIR_CHECK(!std::get<1>(value_).ok(), "a Result from an ok Status");
  }

  bool ok() const { return value_.index() == 0; }
  const T& value() const& { return std::get<0>(value_); }
  T& value() & { return std::get<0>(value_); }
  T&& value() && { return std::move(std::get<0>(value_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  const Status& status() const& { return std::get<1>(value_); }
  Status&& status() && { return std::move(std::get<1>(value_)); }

 private:
  std::variant<T, Status> value_;
};

namespace internal {
inline Status TakeStatus(Status&& status) { return std::move(status); }
template <typename T>
Status TakeStatus(Result<T>&& result) {
  return std::move(result).status();
}
inline void TakeValue(Status&&) {}
template <typename T>
T TakeValue(Result<T>&& result) {
  return std::move(result).value();
}
}  // namespace internal

}  // namespace weir

/// `auto x = WEIR_TRY(expression);` takes the value of a Result (nothing of a Status), or returns
/// the error from the enclosing function.
#define WEIR_TRY(...) WEIR_TRY_AS(WEIR_TRY_NAME(weir_try_, __COUNTER__), __VA_ARGS__)
// The name is new each time, so that one WEIR_TRY may stand inside another.
#define WEIR_TRY_NAME(prefix, number) WEIR_TRY_PASTE(prefix, number)
#define WEIR_TRY_PASTE(prefix, number) prefix##number
#define WEIR_TRY_AS(outcome, ...)                              \
  ({                                                           \
    auto outcome = (__VA_ARGS__);                              \
    if (!outcome.ok()) [[unlikely]]                            \
      return ::weir::internal::TakeStatus(std::move(outcome)); \
    ::weir::internal::TakeValue(std::move(outcome));           \
  })
