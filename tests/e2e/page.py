"""The console in headless Chromium: the part of page.sh that holds the mouse and the keyboard.

It waits for what a person would see, never for a time; PATIENCE_S only ends a test that is stuck.
"""
import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import (ElementClickInterceptedException, ElementNotInteractableException, JavascriptException, NoSuchElementException,
                                        StaleElementReferenceException)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 60
LINK, WORK, DEVICE, CLOUD = os.environ["OTTER_LINK"], os.environ["OTTER_WORK"], int(os.environ["OTTER_DEVICE"]), int(os.environ["OTTER_CLOUD"])
SCREENS, OTTER = os.environ.get("OTTER_SCREENS"), os.environ["OTTER"]
PAGE = LINK.split("/login")[0]


def browser(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,900", f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def fail(text):
    print(f"FAILED: {text}", file=sys.stderr)
    print(driver.find_element(By.TAG_NAME, "body").text[:3000], file=sys.stderr)
    sys.exit(1)


def step(text):
    print(f"-- page: {text}", flush=True)


def until(what, question):
    def answered(_):
        try:
            return question()
        except (ElementClickInterceptedException, ElementNotInteractableException, JavascriptException, NoSuchElementException, StaleElementReferenceException):
            return False
    try:
        return WebDriverWait(driver, PATIENCE_S, 0.05).until(answered)
    except Exception as error:
        fail(f"this did not come within {PATIENCE_S} s: {what} ({type(error).__name__})")


def js(script, *arguments):
    return driver.execute_script(script, *arguments)


def text_of(selector):
    return js("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


def see(text, selector="main"):
    until(f"'{text}' in {selector}", lambda: text in text_of(selector))


def go(place, heading):
    js("location.hash = arguments[0]", place)
    until(f"the view {heading}", lambda: heading in text_of("h1"))


def at(selector):
    return until(selector, lambda: driver.find_element(By.CSS_SELECTOR, selector))


def handle(selector, do):
    """What is done with an element is done again where the page drew another one in its place."""
    def done():
        element = driver.find_element(By.CSS_SELECTOR, selector)
        js("arguments[0].scrollIntoView({block: 'center'})", element)
        do(element)
        return True
    until(f"{selector} to be used", done)


def click(selector):
    handle(selector, lambda element: element.click())


def button(words, within="main"):
    """Presses the button that reads so; it may have to be there first."""
    def press():
        for element in driver.find_elements(By.CSS_SELECTOR, f"{within} button"):
            if element.text.strip() == words and element.is_enabled():
                js("arguments[0].scrollIntoView({block: 'center'})", element)
                element.click()
                return True
        return False
    until(f"a button '{words}'", press)


def enter(selector, text):
    def type_anew(element):
        element.clear()
        element.send_keys(text)
    handle(selector, type_anew)


def drop(name):
    """As if the file were dragged into the page from a folder."""
    with open(f"{WORK}/{name}", "rb") as file:
        content = base64.b64encode(file.read()).decode()
    js("""const bytes = Uint8Array.from(atob(arguments[1]), (c) => c.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], arguments[0]));
          for (const kind of ['dragover', 'drop'])
            document.getElementById('drop').dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
       """, name, content)


# ---- what anybody must be able to use ----

FAULTS = r"""
const faults = [];
const seen = (e) => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden' && getComputedStyle(e).opacity !== '0';
const name = (e) => (e.getAttribute('aria-label') || e.getAttribute('title')
  || (e.getAttribute('aria-labelledby') || '').split(' ').map((id) => id && document.getElementById(id)?.textContent || '').join(' ')
  || [...(e.labels || [])].map((label) => label.textContent).join(' ') || e.textContent).trim();
const show = (e) => `<${e.tagName.toLowerCase()} ${[...e.attributes].slice(0, 4).map((a) => `${a.name}="${a.value}"`).join(' ')}>`;
for (const e of document.querySelectorAll('input, select, textarea, button, a[href]'))
  if (!name(e)) faults.push(`no name: ${show(e)}`);
for (const e of document.querySelectorAll('img:not([alt])')) faults.push(`no alt: ${show(e)}`);
for (const e of document.querySelectorAll('svg')) if (!e.getAttribute('aria-label') && e.getAttribute('aria-hidden') !== 'true') faults.push('a figure without words');
for (const landmark of ['header', 'nav[aria-label]', 'main', 'footer'])
  if (document.querySelectorAll(`body > ${landmark}, body > header > ${landmark}`).length !== 1) faults.push(`landmark ${landmark}`);
if (document.querySelectorAll('h1').length !== 1) faults.push('one h1');
if (!document.documentElement.lang || !document.title) faults.push('lang or title');
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`twice: #${id}`);
for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
  for (const id of `${e.getAttribute('aria-labelledby') || ''} ${e.getAttribute('aria-describedby') || ''}`.trim().split(/\s+/))
    if (!document.getElementById(id)) faults.push(`no #${id} for ${show(e)}`);
for (const e of document.querySelectorAll('th')) if (!e.scope) faults.push('th without scope');
for (const e of document.querySelectorAll('[role=progressbar], [role=meter], progress')) if (!name(e)) faults.push(`no name: ${show(e)}`);
let level = 0;
for (const e of document.querySelectorAll('h1, h2, h3')) {
  const own = Number(e.tagName[1]);
  if (own > level + 1) faults.push(`heading leaps: ${e.textContent}`);
  level = own;
}
// Contrast of text with what lies behind it: 4.5, or 3 where it is large (WCAG 2.1, 1.4.3).
const colour = (text) => { const c = text.match(/[\d.]+/g).map(Number); return {rgb: c.slice(0, 3), a: c[3] ?? 1}; };
const light = (rgb) => { const [r, g, b] = rgb.map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (e) => { for (let at = e; at; at = at.parentElement) { const own = colour(getComputedStyle(at).backgroundColor); if (own.a === 1) return own.rgb; }
  return [255, 255, 255]; };
for (const e of document.querySelectorAll('body *')) {
  if (!seen(e) || e.closest('.hidden') || e.disabled || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  const style = getComputedStyle(e), fore = light(e.closest('svg') ? colour(style.fill).rgb : colour(style.color).rgb), back = light(behind(e));
  const ratio = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
  if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${show(e)} '${e.textContent.trim().slice(0, 40)}'`);
}
if (document.documentElement.scrollWidth > document.documentElement.clientWidth + 1) faults.push(`wider than the window: ${document.documentElement.scrollWidth}`);
return [...new Set(faults)];
"""


def look(dark=False, narrow=False):
    """Shows the page in light or dark, as wide as a desk's or a pocket's screen."""
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360 if narrow else 1280, "height": 780 if narrow else 900,
                                                                  "deviceScaleFactor": 1, "mobile": False})


def usable(view):
    """Finds fault with a view in each way that it can be looked at; takes pictures if asked to."""
    if js("return !document.getElementById('alert').hidden"):
        fail(f"{view}: the page warns: {text_of('#alert')}")
    for dark, narrow in ((False, False), (True, False), (False, True), (True, True)):
        look(dark, narrow)
        faults = js(FAULTS)
        if SCREENS:
            height = js("return Math.min(2400, document.documentElement.scrollHeight)")
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360 if narrow else 1280, "height": max(height, 780),
                                                                          "deviceScaleFactor": 1, "mobile": False})
            driver.save_screenshot(f"{SCREENS}/{view}{'-dark' if dark else ''}{'-narrow' if narrow else ''}.png")
        if faults:
            fail(f"{view}, {'dark' if dark else 'light'}, {'narrow' if narrow else 'wide'}:\n  " + "\n  ".join(faults))
    look()


# ---- the test ----

def test_login():
    step("the link works once, and nothing works without it")
    driver.get(PAGE + "/")
    see("follow the link", "body")
    driver.get(LINK)
    see("Things", "h1")
    driver.get(LINK)
    see("used before", "body")
    driver.get(PAGE + "/")
    see("Things", "h1")
    cookie = [one for one in driver.get_cookies() if one["name"].startswith("otter-")][0]
    if not cookie["httpOnly"] or cookie["sameSite"] != "Strict" or js("return document.cookie") != "":
        fail(f"the cookie is {cookie}")


def ask(method, path, body=None, cookie=True, **headers):
    """A request that no browser of ours made; gives its status."""
    jar = {"Cookie": "; ".join(f"{one['name']}={one['value']}" for one in driver.get_cookies())} if cookie else {}
    connection = http.client.HTTPConnection(PAGE.split("//")[1], timeout=PATIENCE_S)
    connection.request(method, path, body, {**jar, **{name.replace("_", "-"): value for name, value in headers.items()}})
    status = connection.getresponse().status
    connection.close()
    return status


def test_guard():
    step("other sites, other names and strangers get nothing")
    mark = {"X_Otter_Page": "1"}
    large = b"x" * 200000 # more than a stranger may bring
    for expected, method, path, body, more in (
            (200, "GET", "/page/things", None, mark),
            (200, "GET", "/aws/iot/things", None, mark),
            (403, "GET", "/aws/iot/things", None, {}),
            (421, "GET", "/page/things", None, {**mark, "Host": "rebound.example"}),
            (421, "GET", "/", None, {"Host": PAGE.split("//")[1].replace("127.0.0.1", "rebound.example")}),
            (403, "GET", "/page/things", None, {**mark, "Origin": "http://evil.example"}),
            (403, "GET", "/page/events", None, {"Sec_Fetch_Site": "cross-site"}),
            (405, "POST", "/page/events", b"", {}),
            (405, "HEAD", "/page/events", None, {}),
            (403, "POST", "/aws/iotdata/topics/x", b"y", {"Origin": "http://evil.example", "Sec_Fetch_Site": "cross-site"}),
            (401, "GET", "/page/things", None, {**mark, "cookie": False}),
            (401, "GET", "/page/events", None, {"cookie": False}),
            (403, "PUT", "/page/image?name=x", large, {**mark, "cookie": False}),
            (200, "PUT", "/page/image?name=x", large, mark),
            (404, "GET", "/aws/iam/things", None, mark),
            (404, "GET", "/page/nothing", None, mark)):
        status = ask(method, path, body, **more)
        if status != expected:
            fail(f"{method} {path} {more} was answered {status}, not {expected}")


def test_slow_listener():
    step("who does not read loses messages, and is told how many; the cloud keeps no more of them than it may")
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in driver.get_cookies())
    host, port = PAGE.split("//")[1].split(":")
    slow = socket.create_connection((host, int(port)))
    slow.settimeout(PATIENCE_S)
    slow.sendall(f"GET /page/events HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    got = b""
    while b"listener" not in got or not got.rstrip().endswith(b"}"):
        got += slow.recv(4096)
    listener = got.split(b'"listener":"')[1].split(b'"')[0].decode()
    if ask("PUT", f"/page/filters?listener={listener}", json.dumps({"filters": ["flood/#"]}), X_Otter_Page="1") != 200:
        fail("the filter was refused")
    talk = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
    for _ in range(700): # 11 MB, more than the kernel takes for a reader that sleeps
        talk.request("POST", "/aws/iotdata/topics/flood%2Fx", b"z" * 16000, {"Cookie": cookie, "X-Otter-Page": "1"})
        talk.getresponse().read()
    talk.close()
    while b"event: lost" not in got:
        got = got[-64:] + slow.recv(262144)
    slow.close()


def row(thing):
    return f"tr[data-key='{thing}']"


def test_things():
    step("a device is there, with its version and board")
    for text in ("Connected", "1.0.0", "posix", "idle"):
        see(text, row("device"))
    see("Never seen", row("lamp-2"))
    usable("things")
    enter("#search", "lamp")
    until("one thing", lambda: "1 thing\n" in text_of("main") and not driver.find_elements(By.CSS_SELECTOR, row("device")))
    at("#search").send_keys(Keys.CONTROL, "a", Keys.BACKSPACE)
    at(row("device"))


def test_shadow():
    step("what is desired in the page, the device does and reports")
    go("#/things/device", "device")
    see('"powerOn": 0', "#reported")
    enter("#desired", '{"powerOn": }')
    button("Save")
    see("This is no JSON object", "#shadow-fault")
    enter("#desired", '{"powerOn": 1}')
    button("Save")
    see('"powerOn": 1', "#reported")
    until("the draft is the shadow again", lambda: '"powerOn": 1' in at("#desired").get_property("value"))
    button("Keep the network metrics of all things")
    see("Kept from the next report on")
    usable("thing")


def test_bad_images():
    step("images that no device should get are refused, each with its reason")
    go("#/update", "New update")
    for name, reason in (("noise.bin", "This is no firmware image"), ("damaged.bin", "damaged: its hash"),
                         ("stranger.bin", "No known key has signed this image")):
        drop(name)
        see(f"{name} cannot be sent", "#verdict")
        see(reason, "#verdict")
    usable("refused")
    go("#/things/device", "device")
    click("a[href='#/update/device']")
    see("1 thing, firmware 1.0.0, board posix")
    drop("large.bin")
    see("the slot of the board posix takes images of up to", "#verdict")
    code = js("""return fetch('/page/image?name=x.bin&keep=1', {method: 'PUT', headers: {'X-Otter-Page': '1'}, body: 'nothing'}).then((r) => r.status)""")
    if code != 422:
        fail(f"a bad image that was to be kept anyway was answered {code}")


def test_update():
    step("a good image goes to the device, and the bar to 100 %")
    go("#/update/device", "New update")
    drop("1.0.1.bin")
    see("1.0.1.bin is good to be sent", "#verdict")
    see("by the known key boot-signing", "#verdict")
    click("input[value='growing']")
    at("input[name='factor']")
    click("input[value='constant']")
    enter("input[name='perMinute']", "10")
    usable("update")
    os.kill(DEVICE, signal.SIGSTOP) # so that the beginning is seen, however quick it is
    button("Send the update")
    see("AFR_OTA-v1-0-1-", "h1")
    see("10 a minute")
    see("Aborts at 20 %")
    see("1 queued", ".legend")
    if at(".fleet").get_attribute("aria-valuenow") != "0":
        fail("the bar does not begin at 0")
    os.kill(DEVICE, signal.SIGCONT)
    until("the bar is full", lambda: at(".fleet").get_attribute("aria-valuenow") == "100")
    see("accepted v1.0.1", row("device"))
    see("Completed", "h1")
    usable("job")
    go("#/jobs", "Jobs")
    see("100 % · 1 of 1 thing")
    usable("jobs")
    go("#/things", "Things")
    see("1.0.1", row("device"))


def test_failure():
    step("why a device refused an update stands there")
    go("#/update/device", "New update")
    drop("1.0.1.bin")
    see("is not above what runs on")
    button("Send the update")
    see("Why things failed")
    see("is not above the running 1.0.1", ".reasons")
    usable("failed")


def aws(*words):
    subprocess.run([OTTER, "aws", "--dir", f"{WORK}/cloud", *words], check=True, stdout=subprocess.DEVNULL)


def test_group():
    step("a group gets one slowly; how far each is, why it failed, and that it stops itself")
    go("#/update", "New update")
    drop("1.0.1.bin")
    see("is good to be sent", "#verdict")
    click("input[value='group']")
    enter("#target[data-key='group']", "lamps")
    see("1 thing, firmware unknown")
    click("input[value='growing']")
    enter("input[name='base']", "7")
    enter("input[name='minimum']", "1")
    button("Send the update")
    see("7 a minute at first, × 2 after each 10 succeeded")
    job = text_of("h1").split()[0]
    aws("iot-jobs-data", "start-next-pending-job-execution", "--thing-name", "lamp-2")
    aws("iot-jobs-data", "update-job-execution", "--job-id", job, "--thing-name", "lamp-2", "--status", "IN_PROGRESS",
        "--status-details", "phase=download,received=12/40")
    see("30 % download", row("lamp-2"))
    usable("progress")
    aws("iot-jobs-data", "update-job-execution", "--job-id", job, "--thing-name", "lamp-2", "--status", "FAILED",
        "--status-details", "reason=the flash is worn out")
    see("1 × the flash is worn out lamp-2", ".reasons")
    see("100 % not succeeded of those that have ended. Aborts at 20 %, once 1 thing has ended")
    until("the job has ended", lambda: "In progress" not in text_of("h1"))
    see("Stopped by its abort threshold")
    usable("aborted")


def test_charts():
    step("what a thing reports of itself becomes a chart")
    with open(f"{WORK}/report.json", "w", encoding="ascii") as file:
        file.write('{"header": {"report_id": 1, "version": "1.0"}, "metrics": {"network_stats": {"bytes_in": 1200, "bytes_out": 3400,'
                   ' "packets_in": 12, "packets_out": 34}}}')
    aws("iot-data", "publish", "--topic", "$aws/things/lamp-2/defender/metrics/json", "--qos", "1", "--payload", f"fileb://{WORK}/report.json")
    go("#/things/lamp-2", "lamp-2")
    see("aws:all-bytes-out", ".charts")
    see("3400", ".charts")
    usable("charts")


def test_mqtt():
    step("the MQTT client, and numbers as they come")
    go("#/mqtt", "MQTT client")
    enter("#filter", "a/#/b")
    click("form button.primary")
    see("# alone at the end", "#sub-fault")
    enter("#filter", "rooms/#")
    click("form button.primary")
    see("rooms/#", ".filters")
    for degrees in (20, 21.5, 19):
        enter("#topic", "rooms/1/air")
        enter("#payload", '{"degrees": %s, "note": "<b>&"}' % degrees)
        js("document.querySelector('#payload').form.requestSubmit()")
        see(f'"degrees": {degrees}', ".messages")
    see('"note": "<b>&"', ".messages")
    see("rooms/1/air degrees", ".charts")
    usable("mqtt")
    click("[aria-label='Unsubscribe from rooms/#']")
    until("no subscriptions", lambda: not driver.find_elements(By.CSS_SELECTOR, ".filters"))


def publish(topic, payload):
    code = ask("POST", "/aws/iotdata/topics/" + urllib.parse.quote(topic, safe=""), payload, X_Otter_Page="1")
    if code != 200:
        fail(f"publishing to {topic!r} was answered {code}")


def test_hostile_words():
    step("what devices say is shown as it is, however it is made")
    enter("#filter", "evil/#")
    click("form button.primary")
    see("evil/#", ".filters")
    markup = '<img src=x onerror="window.ran=1">'
    for topic, payload, shown in (
            ("evil/markup", markup.encode(), markup), (f"evil/{markup}", b"1", f"evil/{markup}"),
            ("evil/turned\u202egnp.exe", b"2", "turned⟨U+202E⟩gnp.exe"), ("evil/marks", "a\u200fb\u0000c".encode(), "a⟨U+200F⟩b⟨U+0000⟩c"),
            ("evil/deep", b"[" * 8000 + b"]" * 8000, "evil/deep JSON"), ("evil/stairs", b'{"a":' * 2700 + b"7" + b"}" * 2700, "evil/stairs JSON"),
            ("evil/cut", ("x" + "ä" * 10000).encode(), "evil/cut text"), ("evil/bytes", b"\xff\xfe", "//4"),
            ("evil/far", b'{"n": 1e308}', "evil/far JSON"), ("evil/far", b'{"n": -1e308}', "-1e+308"), ("evil/far", b'{"n": 1e999}', '"n": null')):
        publish(topic, payload)
        see(shown, ".messages")
    if js("return window.ran") or js("return document.querySelectorAll('main img').length"):
        fail("a message became a part of the page")
    size = js("return document.querySelector('.messages').innerText.length")
    if size > 200000:
        fail(f"{size} characters are shown of some KB")
    click("[aria-label='Unsubscribe from evil/#']")
    js("location.hash = '#/things/%'")
    see("Things", "h1")


def test_one_of_many():
    step("a thing is found among hundreds whose names have its name in them")
    for i in range(260):
        if ask("POST", f"/aws/iot/things/A-lamp-2-{i}", b"{}", X_Otter_Page="1") != 200:
            fail("no thing was made")
    if ask("POST", "/aws/iotdata/things/lamp-2/shadow", json.dumps({"state": {"reported": {"board": "B" * 2000}}}), X_Otter_Page="1") != 200:
        fail("the shadow was refused")
    go("#/things/lamp-2", "lamp-2")
    see("B" * 2000, ".facts")
    go("#/update/lamp-2", "New update")
    see("B" * 48 + "…")
    usable("wide")
    go("#/things", "Things")
    enter("#search", "lamp-2")
    see("B" * 48 + "…", row("lamp-2"))
    usable("wide-list")
    for i in range(260):
        ask("DELETE", f"/aws/iot/things/A-lamp-2-{i}", X_Otter_Page="1")


def test_power_cut():
    step("the cloud is killed and comes again: so does the page, whatever it shows, and logged in")
    no_complaints()
    go("#/mqtt", "MQTT client")
    enter("#filter", "after/+")
    click("form button.primary")
    see("after/+", ".filters")
    os.kill(CLOUD, signal.SIGKILL)
    see("not connected", "#link")
    with open(f"{WORK}/cloud.log", "ab") as log:
        again = subprocess.Popen([OTTER, "cloud", "--strict", "--limit", "connect=0", "--dir", f"{WORK}/cloud", "--page-port", PAGE.rsplit(":", 1)[1]],
                                 stdout=log, stderr=log)
    try:
        see("live", "#link")
        until("the filter at the new cloud", lambda: ask("POST", "/aws/iotdata/topics/after%2Fit", b"risen", X_Otter_Page="1") == 200 and "risen" in text_of(".messages"))
    finally:
        again.terminate()
        code = again.wait(PATIENCE_S)
    if code != 0:
        fail(f"the cloud ended with exit code {code}")


def focused():
    return js("const e = document.activeElement; return (e.getAttribute('aria-label') || e.innerText || e.id || '').trim()")


def press(*keys):
    driver.switch_to.active_element.send_keys(*keys)


def tab_to(words, most=40):
    for _ in range(most):
        if focused() == words:
            return
        press(Keys.TAB)
    fail(f"{most} tabs do not lead to '{words}', the last to '{focused()}'")


def go_elsewhere_amid_a_drawing():
    """The page draws itself anew, and waits for the cloud, when somebody goes to another view."""
    js("""const ask = window.fetch;
          const answer = new Promise((go) => { window.answerNow = () => { window.fetch = ask; go(); }; });
          window.fetch = (...words) => { window.asked = true; return answer.then(() => ask(...words)); };
          document.dispatchEvent(new Event('visibilitychange'));""")
    until("it draws itself", lambda: js("return window.asked === true"))
    js("location.hash = '#/jobs'")
    until("the new view waits for it", lambda: "Loading" in text_of("#main"))
    js("window.answerNow()")
    until("the heading has the focus", lambda: focused() == "Jobs" and js("return document.activeElement.tagName") == "H1")


def test_keyboard():
    step("by keyboard alone: skip, go elsewhere, subscribe, publish, log out")
    driver.get(PAGE + "/#/things")
    driver.refresh()
    see("Things", "h1")
    at(row("device"))
    press(Keys.TAB)
    if focused() != "Skip to the content":
        fail(f"the first stop is '{focused()}'")
    press(Keys.ENTER)
    tab_to("device")
    press(Keys.ENTER)
    until("the thing's heading has the focus", lambda: focused() == "device" and js("return document.activeElement.tagName") == "H1")
    go_elsewhere_amid_a_drawing()
    driver.get(PAGE + "/#/mqtt")
    driver.refresh()
    see("MQTT client", "h1")
    at("#filter")
    tab_to("filter")
    press("keys/+", Keys.ENTER)
    see("keys/+", ".filters")
    tab_to("topic")
    press("keys/one")
    tab_to("payload")
    press("pressed")
    tab_to("Publish")
    press(Keys.SPACE)
    see("pressed", ".messages")


def test_offline():
    step("a device that is gone is shown so")
    go("#/things", "Things")
    see("Connected", row("device"))
    os.kill(DEVICE, signal.SIGTERM)
    see("Offline", row("device"))
    usable("offline")


def test_a_new_link():
    step("a new link logs in another browser, and logging out ends this one")
    click("#logout")
    see("follow the link", "body")
    link = subprocess.run([OTTER, "cloud", "page", "--dir", f"{WORK}/cloud"], check=True, capture_output=True, text=True).stdout.strip()
    driver.get(link)
    see("Things", "h1")


def no_complaints(*more):
    """Neither scripts that fail nor anything that the security policy had to stop."""
    expected = [f"status of {code}" for code in ("401", "403", "422", "400", "404")] # answers that the test has asked for
    expected += more
    bad = [entry["message"] for entry in driver.get_log("browser")
           if entry["level"] == "SEVERE" and not any(words in entry["message"] for words in expected)]
    if bad:
        fail("the browser complains:\n  " + "\n  ".join(bad))


TESTS = (test_login, test_guard, test_slow_listener, test_things, test_shadow, test_bad_images, test_update, test_failure, test_group, test_charts, test_mqtt,
         test_hostile_words, test_one_of_many, test_keyboard, test_offline, test_a_new_link, test_power_cut)

with tempfile.TemporaryDirectory() as profile:
    driver = browser(profile)
    try:
        for test in TESTS:
            test()
        no_complaints("net::ERR_") # of the time without a cloud
    finally:
        driver.quit()
