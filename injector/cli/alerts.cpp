// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/alerts.h"

#include <httplib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include <nlohmann/json.hpp>

#include "agents/contract/host_port.h"
#include "injector/plan/sha256.h"
#include "injector/record/shallow_json.h"

namespace blackstart::cli {
namespace {

using nlohmann::json;

constexpr size_t kThreads = 2;
constexpr size_t kLongestBody = 1024 * 1024;
constexpr size_t kMostAlerts = 10'000;  // of one run; more are not taken
constexpr size_t kLongestText = 200;    // of what an alert says about itself

// Of "2026-01-02T03:04:05.678Z" or with an offset "+09:00"; nullopt: it is none.
std::optional<UnixNs> moment_of(const std::string& text) {
  tm parts{};
  double second = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &second, &used) != 6 ||
      !(second >= 0 && second < 61))
    return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  int64_t offset = 0;
  const std::string zone = text.substr(static_cast<size_t>(used));
  if (zone != "Z") {
    int hours = 0, minutes = 0;
    char sign = 0;
    if (std::sscanf(zone.c_str(), "%c%2d:%2d", &sign, &hours, &minutes) != 3 || (sign != '+' && sign != '-'))
      return std::nullopt;
    offset = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  tm day = parts;
  const int64_t whole = timegm(&day) - offset;
  const auto place = [](const tm& at) { return std::tie(at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min); };
  if (place(day) != place(parts)) return std::nullopt;  // a day of no calendar
  if (whole < 0 || whole >= INT64_MAX / 1'000'000'000 - 60) return std::nullopt;
  return whole * 1'000'000'000 + std::llround(second * 1e9);
}

std::string text_in(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::optional<std::vector<Alert>> read_alerts(const std::string& body, UnixNs at) {
  const json told = parse_shallow(body);
  if (!told.is_object() || !told.contains("alerts") || !told["alerts"].is_array()) return std::nullopt;
  std::vector<Alert> alerts;
  for (const json& each : told["alerts"]) {
    if (text_in(each, "status") != "firing") continue;
    const json labels = each.value("labels", json::object());
    const std::string name = text_in(labels, "alertname").substr(0, kLongestText);
    const std::string began = text_in(each, "startsAt").substr(0, kLongestText);
    Alert alert;
    alert.said.mark = {"alert", at, "alert " + (name.empty() ? "without a name" : name),
                       "since " + (began.empty() ? "an unknown moment" : began)};
    alert.said.alert_began = std::max<UnixNs>(1, moment_of(began).value_or(1));
    alert.identity = sha256_hex(labels.dump(-1, ' ', false, json::error_handler_t::replace) + began);
    alerts.push_back(std::move(alert));
  }
  return alerts;
}

class AlertListener::Server {
 public:
  ~Server() {
    if (!thread_.joinable()) return;
    http_.stop();
    thread_.join();
  }

  bool listen(const std::string& host, int port) {
    http_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // the server deletes it
    http_.set_payload_max_length(kLongestBody);
    http_.set_keep_alive_timeout(1);
    http_.set_read_timeout(1);
    http_.Post(".*", [this](const httplib::Request& request, httplib::Response& response) {
      const auto alerts = read_alerts(request.body, unix_now());
      response.status = alerts ? 200 : 400;
      if (alerts) add(*alerts);
    });
    port_ = port == 0                                ? http_.bind_to_any_port(host.c_str())
            : http_.bind_to_port(host.c_str(), port) ? port
                                                     : -1;
    if (port_ <= 0) return false;
    thread_ = std::thread([this] { http_.listen_after_bind(); });
    while (!http_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  }

  std::vector<SaidMark> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(said_, {});
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  void add(const std::vector<Alert>& alerts) {
    const std::scoped_lock lock(mutex_);
    for (const Alert& alert : alerts)
      if (seen_.size() < kMostAlerts && seen_.insert(alert.identity).second) said_.push_back(alert.said);
  }

  httplib::Server http_;
  std::thread thread_;
  int port_ = 0;
  std::mutex mutex_;
  std::set<std::string> seen_;
  std::vector<SaidMark> said_;
};

Result<std::unique_ptr<AlertListener>> AlertListener::make(const std::string& address) {
  const auto where = parse_host_port(address);
  if (!where)
    return fail(ErrorKind::kInvalid, "listen for alerts on", address, 0, "--alerts takes ADDRESS:PORT");
  auto server = std::make_unique<Server>();
  if (!server->listen(where->host, where->port))
    return fail(ErrorKind::kRefused, "listen for alerts on", address, 0,
                "is the address this host's, and the port free?");
  return std::unique_ptr<AlertListener>(new AlertListener(std::move(server)));
}

AlertListener::AlertListener(std::unique_ptr<Server> server) : server_(std::move(server)) {}
AlertListener::~AlertListener() = default;

uint16_t AlertListener::port() const {
  return static_cast<uint16_t>(server_->port());
}

std::vector<SaidMark> AlertListener::take() {
  return server_->take();
}

}  // namespace blackstart::cli
