// SPDX-License-Identifier: Apache-2.0
// A service to put into a lab: it answers well exactly when everything it needs answers.
//
//   sample-service --name login --listen [::]:8080 --need cache=redis://session-cache.lab:6379
//
//   GET  /             200 when all needs answer, else 503; the body says which need did what
//   GET  /healthz      200 as long as the process lives
//   PUT  /messages/ID  keeps the body in memory (--store)
//   GET  /messages/ID  gives it back, or 404
#include <civetweb.h>
#include <curl/curl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>

#include <boost/program_options.hpp>

#include "needs.h"

namespace {

constexpr int kThreads = 16;
constexpr size_t kMostMessages = 10'000;
constexpr size_t kLongestMessage = 64 * 1024;

struct Service {
  std::string name, host;
  std::vector<sample::Need> needs;
  std::chrono::milliseconds timeout{};
  std::mutex mutex;
  std::map<std::string, std::string> messages;  // guarded by mutex
};

int respond(mg_connection* connection, const Service& service, int status, const std::string& body) {
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nX-Served-By: %s\r\n"
            "Connection: close\r\n\r\n",
            status, mg_get_response_code_text(connection, status), body.size(), service.host.c_str());
  mg_write(connection, body.data(), body.size());
  return status;
}

int answer_root(mg_connection* connection, void* data) {
  const Service& service = *static_cast<Service*>(data);
  if (mg_get_request_info(connection)->local_uri != std::string("/"))
    return respond(connection, service, 404, "not found\n");
  const std::vector<sample::Answer> answers = sample::ask_all(service.needs, service.timeout);
  bool ok = true;
  std::string body;
  for (size_t i = 0; i < answers.size(); ++i) {
    ok = ok && answers[i].ok;
    body += "  " + service.needs[i].name + ": " + (answers[i].ok ? "" : "FAILED ") + answers[i].text + "\n";
  }
  return respond(connection, service, ok ? 200 : 503,
                 service.name + " on " + service.host + (ok ? ": ok\n" : ": a need does not answer\n") + body);
}

int answer_health(mg_connection* connection, void* data) {
  return respond(connection, *static_cast<Service*>(data), 200, "alive\n");
}

int put_message(mg_connection* connection, Service& service, const std::string& id) {
  std::string body(kLongestMessage + 1, '\0');
  size_t size = 0;
  for (int got = 1; got > 0 && size < body.size(); size += static_cast<size_t>(std::max(got, 0)))
    got = mg_read(connection, body.data() + size, body.size() - size);
  if (size > kLongestMessage) return respond(connection, service, 413, "too long\n");
  body.resize(size);
  {
    const std::scoped_lock lock(service.mutex);
    if (service.messages.size() < kMostMessages || service.messages.contains(id)) {
      service.messages[id] = std::move(body);
      size = 0;
    }
  }
  return size == 0 ? respond(connection, service, 200, "kept\n") : respond(connection, service, 507, "full\n");
}

int get_message(mg_connection* connection, Service& service, const std::string& id) {
  std::optional<std::string> body;
  {
    const std::scoped_lock lock(service.mutex);
    if (const auto found = service.messages.find(id); found != service.messages.end()) body = found->second;
  }
  return body ? respond(connection, service, 200, *body) : respond(connection, service, 404, "not found\n");
}

int answer_message(mg_connection* connection, void* data) {
  Service& service = *static_cast<Service*>(data);
  const mg_request_info* request = mg_get_request_info(connection);
  const std::string prefix = "/messages/", uri = request->local_uri, method = request->request_method;
  const std::string id = uri.size() > prefix.size() ? uri.substr(prefix.size()) : "";
  if (id.empty()) return respond(connection, service, 404, "not found\n");
  if (method == "PUT") return put_message(connection, service, id);
  if (method == "GET") return get_message(connection, service, id);
  return respond(connection, service, 405, "PUT or GET\n");
}

// civetweb binds "[::]:PORT" to IPv6 alone; "+PORT" is both families.
std::string listening_port(const std::string& listen) {
  const std::string any = "[::]:";
  return listen.rfind(any, 0) == 0 ? "+" + listen.substr(any.size()) : listen;
}

std::chrono::milliseconds parse_timeout(const std::string& text) {
  size_t end = 0;
  const int value = std::stoi(text, &end);
  const std::string unit = text.substr(end);
  if (value > 0 && unit == "ms") return std::chrono::milliseconds(value);
  if (value > 0 && unit == "s") return std::chrono::seconds(value);
  throw std::invalid_argument("--timeout takes a duration such as 300ms or 2s, not " + text);
}

int serve(const std::string& listen, bool store, Service& service) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signal(SIGPIPE, SIG_IGN);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  mg_init_library(0);

  const std::string port = listening_port(listen), threads = std::to_string(kThreads);
  const char* options[] = {"listening_ports", port.c_str(), "num_threads", threads.c_str(), nullptr};
  mg_callbacks callbacks{};
  callbacks.log_message = [](const mg_connection*, const char* message) {
    std::cerr << message << std::endl;
    return 1;
  };
  mg_context* context = mg_start(&callbacks, &service, options);
  if (!context) {
    std::cerr << "cannot listen on " << listen << "\n";
    return 1;
  }
  mg_set_request_handler(context, "/", answer_root, &service);
  mg_set_request_handler(context, "/healthz", answer_health, &service);
  if (store) mg_set_request_handler(context, "/messages/**", answer_message, &service);
  std::cout << service.name << " listens on " << listen << std::endl;

  int signal_number = 0;
  sigwait(&ending, &signal_number);
  mg_stop(context);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  std::string listen, timeout;
  std::vector<std::string> needs;
  Service service;
  po::options_description options("sample-service: answers well exactly when everything it needs answers");
  options.add_options()("help,h", "print this text");
  options.add_options()("name", po::value(&service.name)->default_value("sample"), "what it calls itself");
  options.add_options()("listen", po::value(&listen)->default_value("[::]:8080"), "ADDRESS:PORT; [::] is IPv4 too");
  options.add_options()("need", po::value(&needs)->composing(),
                        "[NAME=]URL[,URL...]: tcp://, http:// or redis://; alternatives in the order of fail-over");
  options.add_options()("timeout", po::value(&timeout)->default_value("300ms"), "for each alternative of a need");
  options.add_options()("store", "keep messages in memory: PUT and GET /messages/ID");
  try {
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, options), given);
    po::notify(given);
    if (given.count("help")) {
      std::cout << options;
      return 0;
    }
    service.timeout = parse_timeout(timeout);
    for (const std::string& text : needs) {
      const auto need = sample::parse_need(text);
      if (!need) throw std::invalid_argument("--need takes [NAME=]URL[,URL...] with tcp://, http:// or redis://, not " + text);
      service.needs.push_back(*need);
    }
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    service.host = host;
    return serve(listen, given.count("store") > 0, service);
  } catch (const std::exception& error) {
    std::cerr << "sample-service: " << error.what() << "\n";
    return 2;
  }
}
