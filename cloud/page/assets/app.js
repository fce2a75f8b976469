// Which view is shown, and when it is drawn anew.
import { connect, hear, logOut, ask } from './ask.js';
import { h, morphChildren } from './draw.js';
import { thingsView } from './things.js';
import { thingView } from './thing.js';
import { jobsView, jobView } from './jobs.js';
import { updateView } from './update.js';
import { mqttView } from './mqtt.js';

const routes = [
  [/^#\/things$/, thingsView], [/^#\/things\/([^/]+)$/, thingView], [/^#\/jobs$/, jobsView],
  [/^#\/jobs\/([^/]+)$/, jobView], [/^#\/update(?:\/([^/]+))?$/, updateView], [/^#\/mqtt$/, mqttView],
];
const QUIET_MS = 700; // between two drawings that nobody asked for

const main = document.getElementById('main');
let view, drawing = false, again = false, last = 0, timer;
let arriving = false; // somebody went to this view, and it was not drawn since

export function say(text) {
  document.getElementById('status').textContent = text;
}

let hiding;
export function warn(text) {
  const box = document.getElementById('alert');
  box.textContent = text;
  box.hidden = !text;
  clearTimeout(hiding);
  hiding = setTimeout(() => { box.hidden = true; }, 8000);
}

// Whoever goes on by keyboard, or hears the page, is at its heading then.
function arrive() {
  const heading = main.querySelector('h1');
  if (!arriving || !heading) return;
  arriving = false;
  scrollTo(0, 0);
  heading.setAttribute('tabindex', '-1');
  heading.focus();
}

async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  const own = view;
  try {
    const content = await own.content();
    if (own === view) {
      morphChildren(main, [content].flat());
      arrive();
    }
  } catch (error) {
    if (own === view && !main.querySelector('h1'))
      main.replaceChildren(h('h1', {}, own.title), h('p', { role: 'alert', class: 'problem' }, error.message));
    else if (own === view) warn(error.message);
    if (own === view) arrive();
  }
  drawing = false;
  last = Date.now();
  if (again || own !== view) {
    again = false;
    await draw();
  }
}

function drawSoon() {
  if (timer || document.hidden) return;
  timer = setTimeout(() => {
    timer = undefined;
    if (view?.follows) draw();
  }, Math.max(50, QUIET_MS - (Date.now() - last)));
}

// The view that the address names, and of what; undefined: none.
function place() {
  try {
    const found = routes.map(([pattern, make]) => [pattern.exec(location.hash), make]).find(([match]) => match);
    return found && [found[1], found[0][1] && decodeURIComponent(found[0][1])];
  } catch { /* no percent-encoded text */ }
}

async function show() {
  const found = place();
  if (!found) {
    location.replace('#/things');
    return;
  }
  arriving = view !== undefined;
  view?.leave?.();
  view = found[0](found[1], { draw, drawSoon, say, warn });
  document.title = `${view.title} – Otter console`;
  for (const link of document.querySelectorAll('header nav a')) {
    const here = location.hash.startsWith(link.getAttribute('href'));
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.replaceChildren(h('p', { class: 'wait' }, 'Loading …'));
  await draw();
}

hear('changed', drawSoon);
hear('state', (on) => {
  const link = document.getElementById('link');
  link.textContent = on ? 'live' : 'not connected';
  link.className = on ? 'link' : 'link off';
  say(on ? '' : 'The connection to the cloud is lost.');
});
document.addEventListener('visibilitychange', drawSoon);
setInterval(drawSoon, 10000); // "3 min ago" grows
addEventListener('hashchange', show);
document.getElementById('logout').onclick = async () => {
  await logOut();
  location.assign('/');
};
document.querySelector('.skip').onclick = (event) => {
  event.preventDefault();
  main.focus();
};

connect();
show();
ask('about').then((about) => {
  document.getElementById('about').textContent =
    `${about.region} · account ${about.account} · MQTT ${about.mqttHost}:${about.mqttPort} · ${about.folder}`;
}).catch(() => {});
