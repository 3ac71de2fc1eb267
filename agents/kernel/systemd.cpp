// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/systemd.h"

#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

namespace blackstart {
namespace {

constexpr const char* kManager = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManagerInterface = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnitInterface = "org.freedesktop.systemd1.Unit";
// Manager and agent stand on one machine: one that takes longer is as good as gone.
constexpr uint64_t kPatienceUs = 5'000'000;

using Message = std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)>;

class BusError {
 public:
  BusError() = default;
  ~BusError() { sd_bus_error_free(&error_); }
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  sd_bus_error* operator&() { return &error_; }
  [[nodiscard]] bool is(const char* name) const { return sd_bus_error_has_name(&error_, name) > 0; }
  [[nodiscard]] std::string text() const { return error_.message ? error_.message : ""; }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

int connected(sd_bus** bus) {
  if (::geteuid() == 0 && sd_bus_new(bus) >= 0) {
    if (sd_bus_set_address(*bus, "unix:path=/run/systemd/private") >= 0 && sd_bus_start(*bus) >= 0) return 0;
    sd_bus_unref(*bus);
  }
  return sd_bus_open_system(bus);
}

std::string text(sd_bus* bus, const std::string& path, const char* interface, const char* property) {
  char* value = nullptr;
  if (sd_bus_get_property_string(bus, kManager, path.c_str(), interface, property, nullptr, &value) < 0)
    return "";
  const std::string out = value;
  std::free(value);
  return out;
}

std::vector<std::string> texts(sd_bus* bus, const std::string& path, const char* property) {
  char** values = nullptr;
  std::vector<std::string> out;
  if (sd_bus_get_property_strv(bus, kManager, path.c_str(), kUnitInterface, property, nullptr, &values) < 0)
    return out;
  for (char** each = values; each && *each; ++each) {
    out.emplace_back(*each);
    std::free(*each);
  }
  std::free(values);
  return out;
}

// "org.freedesktop.systemd1.Service", for those that have processes.
std::string interface_of(const std::string& unit) {
  const std::string kind = unit.substr(unit.rfind('.') + 1);
  for (const auto& [ending, name] :
       {std::pair{"service", "Service"}, {"socket", "Socket"}, {"scope", "Scope"}})
    if (kind == ending) return std::string("org.freedesktop.systemd1.") + name;
  return "";
}

}  // namespace

void Systemd::Close::operator()(sd_bus* bus) const {
  sd_bus_flush_close_unref(bus);
}

Result<Systemd> Systemd::connect() {
  sd_bus* bus = nullptr;
  if (const int code = connected(&bus); code < 0)
    return fail(ErrorKind::kMissing, "ask", "systemd", -code, "units need systemd, and root");
  Systemd out(bus);
  sd_bus_set_method_call_timeout(bus, kPatienceUs);
  return out;
}

Result<> Systemd::ask(const char* method, const std::string& object, const char* types, ...) {
  sd_bus_message* raw = nullptr;
  int code =
      sd_bus_message_new_method_call(bus_.get(), &raw, kManager, kManagerPath, kManagerInterface, method);
  const Message message(raw, sd_bus_message_unref);
  if (code >= 0 && *types) {
    va_list values;
    va_start(values, types);
    code = sd_bus_message_appendv(raw, types, values);
    va_end(values);
  }
  BusError error;
  if (code >= 0) code = sd_bus_call(bus_.get(), raw, 0, &error, nullptr);
  if (code >= 0) return {};
  return fail(error.is("org.freedesktop.systemd1.NoSuchUnit") ? ErrorKind::kInvalid : ErrorKind::kInternal,
              std::string("ask systemd to ") + method, object, -code, error.text());
}

Result<SystemdUnit> Systemd::unit(const std::string& name) {
  sd_bus_message* raw = nullptr;
  BusError error;
  const int code = sd_bus_call_method(bus_.get(), kManager, kManagerPath, kManagerInterface, "LoadUnit",
                                      &error, &raw, "s", name.c_str());
  const Message reply(raw, sd_bus_message_unref);
  const char* path = nullptr;
  if (code < 0 || sd_bus_message_read(raw, "o", &path) < 0)
    return fail(ErrorKind::kInvalid, "find the unit", name, code < 0 ? -code : EBADMSG, error.text());
  const auto of_unit = [&](const char* property) { return text(bus_.get(), path, kUnitInterface, property); };
  SystemdUnit out;
  out.name = of_unit("Id");
  out.load_state = of_unit("LoadState");
  out.active_state = of_unit("ActiveState");
  out.file_state = of_unit("UnitFileState");
  out.file = of_unit("FragmentPath");
  if (out.load_state == "not-found")
    return fail(ErrorKind::kInvalid, "find the unit", name, ENOENT,
                "`systemctl list-units` shows what there is");
  if (const std::string interface = interface_of(out.name); !interface.empty()) {
    out.cgroup = text(bus_.get(), path, interface.c_str(), "ControlGroup");
    if (out.cgroup.starts_with('/')) out.cgroup.erase(0, 1);
  }
  out.triggered_by = texts(bus_.get(), path, "TriggeredBy");
  return out;
}

Result<std::vector<std::string>> Systemd::active_units() {
  sd_bus_message* raw = nullptr;
  BusError error;
  int code = sd_bus_call_method(bus_.get(), kManager, kManagerPath, kManagerInterface, "ListUnits", &error,
                                &raw, "");
  const Message reply(raw, sd_bus_message_unref);
  std::vector<std::string> out;
  if (code >= 0) code = sd_bus_message_enter_container(raw, 'a', "(ssssssouso)");
  const char *name = nullptr, *active = nullptr, *skip = nullptr;
  uint32_t job = 0;
  while (code > 0 && (code = sd_bus_message_read(raw, "(ssssssouso)", &name, &skip, &skip, &active, &skip,
                                                 &skip, &skip, &job, &skip, &skip)) > 0) {
    const std::string unit = name, state = active;
    const bool meant = unit.ends_with(".service") || unit.ends_with(".socket") || unit.ends_with(".timer") ||
                       unit.ends_with(".path");
    if (meant && (state == "active" || state == "activating" || state == "reloading")) out.push_back(unit);
  }
  if (code < 0) return fail(ErrorKind::kInternal, "ask systemd to ListUnits", "", -code, error.text());
  return out;
}

Result<> Systemd::reload() {
  return ask("Reload", "its units", "");
}

Result<> Systemd::start(const std::string& name) {
  (void)ask("ResetFailedUnit", name, "s", name.c_str());  // one that did not fail has nothing to forget
  return ask("StartUnit", name, "ss", name.c_str(), "replace");
}

Result<> Systemd::stop(const std::string& name) {
  return ask("StopUnit", name, "ss", name.c_str(), "replace");
}

Result<> Systemd::kill(const std::string& name, int signal) {
  auto killed = ask("KillUnit", name, "ssi", name.c_str(), "all", signal);
  // One that is not loaded has none either.
  if (!killed && (killed.error().code == ESRCH || killed.error().kind == ErrorKind::kInvalid)) return {};
  return killed;
}

Result<> Systemd::power_off() {
  return ask("PowerOff", "this machine", "");
}

Feature probe_systemd() {
  if (auto systemd = Systemd::connect(); !systemd)
    return {"systemd", false, systemd.error().message(), systemd.error().hint};
  return {"systemd", true, "answers on its socket", ""};
}

}  // namespace blackstart
