#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every page opens in a real browser as it is meant to.

usage: report_pages.py SAMPLE_REPORTS FOLDER

SAMPLE_REPORTS writes its pages into FOLDER/pages; each is opened in headless Chromium on a phone, at a desk and on
paper, light and dark. No console message, nothing fetched, no script, no horizontal scrolling, every drawing
with a title; text is in sight and legible against what is behind it. Screenshots go to FOLDER. Ends with 77
where there is nothing to open them with.
"""
import base64
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request

try:
    import websocket
except ImportError:
    websocket = None

WIDTHS = {"phone-360": 360, "phone-390": 390, "desk-1280": 1280}

# What a page says of itself once it stands.
INSPECT = """(() => {
  const shown = element => element.getClientRects().length > 0;
  const rgb = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('p, h1, h2, th, td, li, dt, dd, figcaption, small')) {
    if (!shown(element) || !element.textContent.trim()) continue;
    const a = light(rgb(getComputedStyle(element).color)), b = light(behind(element));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(contrast.toFixed(2) + ' ' + element.textContent.slice(0, 40));
  }
  const drawings = [...document.querySelectorAll('svg')].filter(shown);
  const outside = drawings.flatMap(svg => [...svg.querySelectorAll('text')].filter(text => {
    const own = text.getBoundingClientRect(), all = svg.getBoundingClientRect();
    return own.left < all.left - 1 || own.right > all.right + 1;
  }).map(text => text.textContent));
  return {
    title: document.title,
    scrollWidth: document.documentElement.scrollWidth, innerWidth: window.innerWidth,
    scripts: document.scripts.length, pwned: Boolean(window.pwned),
    handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length,
    drawings: drawings.length,
    untitled: drawings.filter(svg => !svg.querySelector('title') || !svg.querySelector('desc')).length,
    height: document.documentElement.scrollHeight, faint, outside,
  };
})()"""


class Browser:
    """Headless Chromium over the DevTools protocol, with a profile of its own."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(prefix="blackstart-browser-")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0",
             "--remote-allow-origins=*", f"--user-data-dir={self.profile.name}", "about:blank"],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "DevTools listening on" in line:
                port = line.split("127.0.0.1:")[1].split("/")[0]
                break
        else:
            raise RuntimeError("Chromium ended before it listened")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            page = next(each for each in json.load(answer) if each["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=30)
        self.sent, self.events = 0, []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stderr.close()
        self.profile.cleanup()

    def call(self, method, **params):
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.sent:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self.socket.recv()))
        self.call("Runtime.evaluate", expression="new Promise(done => setTimeout(done, 50))", awaitPromise=True)

    def screenshot(self, file):
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(picture["data"]))


def problems_of(browser, page, width, media, picture):
    """Opens the page; a list of what is wrong with it."""
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 800)
    browser.call("Emulation.setEmulatedMedia", media=media if media == "print" else "screen",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if media == "dark" else "light"}])
    browser.open(page.as_uri())
    found = browser.call("Runtime.evaluate", expression=INSPECT, returnByValue=True)["result"]["value"]
    browser.screenshot(picture)
    problems = []
    for event in browser.events:
        what = event["method"]
        if what in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            problems.append(f"console: {json.dumps(event['params'])[:300]}")
        if what == "Network.requestWillBeSent" and event["params"]["request"]["url"] != page.as_uri():
            problems.append(f"fetches {event['params']['request']['url']}")
    if found["scrollWidth"] > width or found["innerWidth"] != width:
        problems.append(f"scrolls sideways: {found['scrollWidth']} in {found['innerWidth']}")
    for count in ("scripts", "handlers", "untitled", "pwned"):
        if found[count]:
            problems.append(f"{count}: {found[count]}")
    problems += [f"hard to read: {each}" for each in found["faint"]]
    problems += [f"leaves its drawing: {each}" for each in found["outside"]]
    if not found["title"]:
        problems.append("has no title")
    return problems


BROKEN = """<!DOCTYPE html><html><body style="margin:0"><p style="width:3000px;color:#ddd;background:#fff">wide</p>
<svg></svg><img src="nowhere.png" onerror="window.pwned = 1"><script>console.error("x")</script></body></html>"""


def main():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program or not websocket:
        print("skipped: there is no Chromium, or no websocket for Python (packaging/apt-browser.txt)")
        return 77
    samples, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    pages = folder / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    pages.mkdir(parents=True)
    subprocess.run([samples, str(pages)], check=True)
    broken = folder / "broken.html"
    broken.write_text(BROKEN)

    wrong = opened = 0
    with Browser(program) as browser:
        # The inspection itself must be able to fail, in every way.
        found = "\n".join(problems_of(browser, broken, 390, "light", folder / "broken.png"))
        for expected in ("console:", "fetches", "sideways", "scripts: 1", "handlers: 1", "untitled: 1", "pwned", "hard to read",
                         "no title"):
            if expected not in found:
                wrong += 1
                print(f"the inspection does not notice: {expected}\n{found}")
        for page in sorted(pages.glob("*.html")):
            looks = [(name, width, media) for name, width in WIDTHS.items() for media in ("light", "dark")]
            for name, width, media in looks + [("paper", 794, "print")]:
                opened += 1
                picture = folder / f"{page.stem}-{name}-{media}.png"
                for problem in problems_of(browser, page, width, media, picture):
                    wrong += 1
                    print(f"{page.name}, {name}, {media}: {problem}")
    print(f"{opened} views, {wrong} problems; pictures in {folder}")
    return 1 if wrong or opened < 7 else 0


if __name__ == "__main__":
    sys.exit(main())
