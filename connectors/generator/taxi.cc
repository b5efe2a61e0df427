#include <array>
#include <cmath>

#include "connectors/generator/kind.h"

namespace weir {
namespace {

/// A part of the city that trips begin and end in: its middle, how far around it they lie (one
/// standard deviation, in degrees), and how many of a thousand trips it has.
struct Quarter {
  double latitude;
  double longitude;
  double spread;
  int pickups;
  int dropoffs;
};
/// A small model of the city, from memory of its map. Airports lie inside the boxes that the taxi
/// job draws around them; the last ones are outside of the city's box.
constexpr std::array<Quarter, 11> kQuarters = {{
    {40.7580, -73.9855, 0.008, 270, 240},  // Midtown
    {40.7736, -73.9566, 0.009, 160, 150},  // Upper East Side
    {40.7870, -73.9754, 0.009, 120, 120},  // Upper West Side
    {40.7270, -73.9930, 0.008, 150, 140},  // the Villages
    {40.7100, -74.0090, 0.007, 90, 90},    // Downtown
    {40.6900, -73.9800, 0.020, 70, 90},    // Brooklyn
    {40.7500, -73.9000, 0.020, 40, 60},    // Queens
    {40.6440, -73.7820, 0.003, 35, 30},    // JFK
    {40.7725, -73.8710, 0.0015, 40, 40},   // LGA
    {40.9300, -73.8500, 0.020, 10, 15},    // beyond the northern border
    {40.7000, -74.1700, 0.015, 15, 25},    // beyond the river
}};

enum Purpose : uint64_t {
  kFromQuarter,
  kToQuarter,
  kFromLatitude,
  kFromLongitude = kFromLatitude + 4,
  kToLatitude = kFromLongitude + 4,
  kToLongitude = kToLatitude + 4,
  kSpeed = kToLongitude + 4,
  kPassengers,
  kTip,
};

/// What makes up a trip before its times.
struct Trip {
  double from_latitude = 0;
  double from_longitude = 0;
  double to_latitude = 0;
  double to_longitude = 0;
  int64_t seconds = 0;
  double amount = 0;
};

class Trips final : public RowMaker {
 public:
  explicit Trips(const GeneratorShare& share) : share_(share) {}

  void Make(uint64_t index, EventTime time, std::span<ColumnBuilder* const> columns) override {
    const Trip trip = MakeTrip(index);
    if (columns[0] != nullptr) columns[0]->Append(static_cast<int64_t>(index + 1));
    if (columns[1] != nullptr) columns[1]->Append(trip.from_latitude);
    if (columns[2] != nullptr) columns[2]->Append(trip.from_longitude);
    if (columns[3] != nullptr) columns[3]->Append(trip.to_latitude);
    if (columns[4] != nullptr) columns[4]->Append(trip.to_longitude);
    if (columns[5] != nullptr) columns[5]->Append(time.us - trip.seconds * 1000000);
    if (columns[6] != nullptr) columns[6]->Append(time.us);
    if (columns[7] != nullptr) columns[7]->Append(trip.amount);
    if (columns[8] != nullptr) {
      // Most ride alone.
      const uint64_t draw = DrawBelow(10, Of(index, kPassengers));
      columns[8]->Append(static_cast<int64_t>(draw < 6 ? 1 : draw - 4));
    }
  }

 private:
  uint64_t Of(uint64_t index, uint64_t purpose) const {
    return Draw(share_.seed, share_.index, index, purpose);
  }

  static const Quarter& Pick(uint64_t draw, int Quarter::* weight) {
    int at = static_cast<int>(DrawBelow(1000, draw));
    for (const Quarter& quarter : kQuarters) {
      at -= quarter.*weight;
      if (at < 0) return quarter;
    }
    return kQuarters[0];
  }

  /// Near zero, nearly normal, never beyond 3.5: the sum of four draws.
  double Scatter(uint64_t index, uint64_t purpose) const {
    double sum = -2;
    for (uint64_t i = 0; i < 4; i++) sum += DrawUnit(Of(index, purpose + i));
    return sum * 1.7320508075688772;
  }

  static double Rounded(double value, double parts) { return std::round(value * parts) / parts; }

  Trip MakeTrip(uint64_t index) const {
    const Quarter& from = Pick(Of(index, kFromQuarter), &Quarter::pickups);
    const Quarter& to = Pick(Of(index, kToQuarter), &Quarter::dropoffs);
    Trip trip;
    constexpr double kParts = 1e6;
    trip.from_latitude =
        Rounded(from.latitude + from.spread * Scatter(index, kFromLatitude), kParts);
    trip.from_longitude =
        Rounded(from.longitude + from.spread * Scatter(index, kFromLongitude), kParts);
    trip.to_latitude = Rounded(to.latitude + to.spread * Scatter(index, kToLatitude), kParts);
    trip.to_longitude = Rounded(to.longitude + to.spread * Scatter(index, kToLongitude), kParts);
    // Streets make the way longer than the straight line; a degree is 111 km, 84 km east to west.
    const double north = (trip.to_latitude - trip.from_latitude) * 111.2;
    const double east = (trip.to_longitude - trip.from_longitude) * 84.3;
    const double km = 1.3 * std::sqrt(north * north + east * east) + 0.4;
    const double km_per_hour = 12 + 18 * DrawUnit(Of(index, kSpeed)) + std::min(km, 20.0);
    trip.seconds = 60 + static_cast<int64_t>(km / km_per_hour * 3600);
    const double tip = 1 + 0.25 * DrawUnit(Of(index, kTip));
    trip.amount = Rounded((3.0 + 1.55 * km) * tip, 100);
    return trip;
  }

  const GeneratorShare share_;
};

class TaxiKindImpl final : public GeneratorKind {
 public:
  std::string_view name() const override { return "taxi"; }
  const SchemaPtr& schema() const override { return schema_; }
  /// About seven trips a second: 25,000 a second where an hour is replayed in a second.
  Duration step() const override { return Duration::Millis(144); }
  std::unique_ptr<RowMaker> Open(const GeneratorShare& share) const override {
    return std::make_unique<Trips>(share);
  }

 private:
  const SchemaPtr schema_ = std::make_shared<const Schema>(std::vector<Field>{
      {"trip_id", TypeKind::kInt64},
      {"pickup_latitude", TypeKind::kDouble},
      {"pickup_longitude", TypeKind::kDouble},
      {"dropoff_latitude", TypeKind::kDouble},
      {"dropoff_longitude", TypeKind::kDouble},
      {"pickup_datetime", TypeKind::kTimestamp},
      {"dropoff_datetime", TypeKind::kTimestamp},
      {"total_amount", TypeKind::kDouble},
      {"passenger_count", TypeKind::kInt64},
  });
};

}  // namespace

const GeneratorKind& TaxiKind() {
  static const TaxiKindImpl kind;
  return kind;
}

}  // namespace weir
