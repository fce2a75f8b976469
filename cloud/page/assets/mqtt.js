// An MQTT client with the account's rights: subscribe, publish, and numbers as they come.
import { aws, segment, hear, want, matches } from './ask.js';
import { h, time, bytes, count } from './draw.js';
import { chart } from './chart.js';

const MESSAGES = 200, SERIES = 12, POINTS = 240;
const kept = { filters: [], messages: [], series: new Map(), paused: false, lost: 0, total: 0 }; // while the page is open

const DEPTH = 40; // levels of a payload that are looked at: what is deeper was not made for people

function deeper(value, than) {
  if (!value || typeof value !== 'object') return false;
  return than === 0 || Object.values(value).some((inner) => deeper(inner, than - 1));
}

function shown(message) {
  if (message.base64 !== undefined) return { text: message.base64, form: 'binary, as base64' };
  try {
    const value = JSON.parse(message.payload);
    return { text: deeper(value, DEPTH) ? message.payload : JSON.stringify(value, null, 2), form: 'JSON' };
  } catch {
    return { text: message.payload, form: 'text' };
  }
}

let number = 0;
export function messageRow(message, open) {
  message.number ??= ++number;
  message.shown ??= shown(message);
  const text = message.shown.text || '(empty)';
  return h('li', { 'data-key': String(message.number) }, h('details', { open, 'data-own': true },
    h('summary', {}, h('code', { class: 'topic' }, message.topic), ' ',
      h('span', { class: 'faint' }, `${message.shown.form}, ${bytes(message.size)} · `, h('time', { datetime: new Date(message.atMs).toISOString() }, time(message.atMs).split(', ').pop())),
      h('span', { class: 'glance', 'aria-hidden': 'true' }, text.replace(/\s+/g, ' ').slice(0, 160))),
    h('pre', { tabindex: 0, 'aria-label': `Payload of ${message.topic}` }, text, message.cut ? '\n… (cut)' : '')));
}

// Numbers in a payload, by the names that lead to them.
function numbers(value, name = '', found = [], levels = DEPTH) {
  if (found.length >= SERIES || levels === 0) return found;
  if (typeof value === 'number' && Number.isFinite(value)) found.push([name, value]);
  else if (value && typeof value === 'object')
    for (const [key, inner] of Object.entries(value)) numbers(inner, name ? `${name}.${key}` : key, found, levels - 1);
  return found;
}

function note(message) {
  let value;
  try {
    value = JSON.parse(message.payload);
  } catch {
    return;
  }
  for (const [name, measured] of numbers(value)) {
    const key = `${message.topic} ${name}`.trim();
    if (!kept.series.has(key) && kept.series.size >= SERIES) continue;
    const points = kept.series.get(key) || [];
    points.push([message.atMs, measured]);
    if (points.length > POINTS) points.shift();
    kept.series.set(key, points);
  }
}

let redraw;
hear('message', (message) => {
  if (!kept.filters.some((filter) => matches(filter, message.topic))) return;
  kept.total++;
  note(message);
  if (kept.paused) return;
  kept.messages.unshift(message);
  kept.messages.length = Math.min(kept.messages.length, MESSAGES);
  redraw?.();
});
hear('lost', ({ messages }) => { kept.lost += messages; redraw?.(); });

export function mqttView(_, { draw, say, warn }) {
  const state = { fault: '', sent: '' };
  let waiting;
  redraw = () => { waiting ??= setTimeout(() => { waiting = undefined; draw(); }, 100); };

  async function subscribe(event) {
    event.preventDefault();
    const input = event.target.elements.filter, filter = input.value.trim();
    if (!filter || kept.filters.includes(filter)) return;
    try {
      await want('mqtt', [...kept.filters, filter]);
      kept.filters.push(filter);
      state.fault = '';
      say(`Subscribed to ${filter}.`);
      input.value = '';
    } catch (error) {
      state.fault = error.message;
      want('mqtt', kept.filters).catch(() => {});
    }
    draw();
  }

  async function unsubscribe(filter) {
    kept.filters = kept.filters.filter((one) => one !== filter);
    await want('mqtt', kept.filters).catch((error) => warn(error.message));
    document.getElementById('filter')?.focus();
    draw();
  }

  async function publish(event) {
    event.preventDefault();
    const { topic, payload, qos, retain } = event.target.elements;
    try {
      await aws('iotdata', 'POST', `/topics/${segment(topic.value.trim())}`, { qos: qos.value, retain: retain.checked ? 'true' : undefined }, payload.value);
      state.sent = `Published to ${topic.value.trim()}.`;
      say(state.sent);
    } catch (error) {
      state.sent = '';
      warn(error.message);
    }
    draw();
  }

  const subscriptions = () => h('section', { class: 'card', 'aria-labelledby': 'sub-title' }, h('h2', { id: 'sub-title' }, 'Subscribe'),
    h('form', { onsubmit: subscribe }, h('label', { for: 'filter' }, 'Topic filter'),
      h('div', { class: 'row' }, h('input', { id: 'filter', name: 'filter', placeholder: 'lamp/#', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'sub-fault sub-hint' }), h('button', { class: 'primary' }, 'Subscribe')),
      h('p', { class: 'hint', id: 'sub-hint' }, '+ is one level, # all below. $aws/events/# shows who comes and goes.'),
      h('p', { id: 'sub-fault', class: 'problem', role: 'alert' }, state.fault)),
    kept.filters.length > 0 && h('ul', { class: 'filters', 'aria-label': 'Subscriptions' }, kept.filters.map((filter) => h('li', { 'data-key': filter }, h('code', {}, filter),
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Unsubscribe from ${filter}`, onclick: () => unsubscribe(filter) }, '✕')))));

  const publishing = () => h('section', { class: 'card', 'aria-labelledby': 'pub-title' }, h('h2', { id: 'pub-title' }, 'Publish'),
    h('form', { onsubmit: publish },
      h('label', { for: 'topic' }, 'Topic'), h('input', { id: 'topic', name: 'topic', required: true, placeholder: 'lamp/set', autocomplete: 'off', spellcheck: 'false' }),
      h('label', { for: 'payload' }, 'Payload'), h('textarea', { id: 'payload', name: 'payload', rows: 4, spellcheck: 'false' }),
      h('div', { class: 'row' }, h('label', { class: 'inline' }, 'QoS ', h('select', { name: 'qos' }, h('option', { value: 0 }, '0'), h('option', { value: 1 }, '1'))),
        h('label', { class: 'inline' }, h('input', { type: 'checkbox', name: 'retain' }), ' Retain'), h('button', { class: 'primary' }, 'Publish'),
        h('span', { class: 'faint' }, state.sent))));

  const telemetry = () => kept.series.size > 0 && h('section', { 'aria-labelledby': 'tele-title' },
    h('div', { class: 'row between' }, h('h2', { id: 'tele-title' }, 'Numbers as they come'), h('button', { type: 'button', class: 'quiet', onclick: () => { kept.series.clear(); draw(); } }, 'Clear')),
    h('div', { class: 'charts' }, [...kept.series].map(([name, points]) => chart(name, points))));

  const messages = () => h('section', { 'aria-labelledby': 'msg-title' },
    h('div', { class: 'row between' }, h('h2', { id: 'msg-title' }, 'Messages'),
      h('div', { class: 'row' }, h('span', { class: 'faint', role: 'status' }, `${count(kept.total, 'message')}${kept.lost ? `, ${kept.lost} lost: they came faster than this browser takes them` : ''}`),
        h('button', { type: 'button', class: 'quiet', 'aria-pressed': kept.paused ? 'true' : 'false', onclick: () => { kept.paused = !kept.paused; draw(); } }, kept.paused ? 'Go on' : 'Pause'),
        h('button', { type: 'button', class: 'quiet', onclick: () => { kept.messages.length = 0; draw(); } }, 'Clear'))),
    kept.messages.length ? h('ol', { class: 'messages', 'aria-label': 'Messages, the newest first' }, kept.messages.map((message) => messageRow(message, true)))
      : h('p', { class: 'faint' }, kept.filters.length ? 'Nothing yet.' : 'Subscribe to a topic filter to see messages here.'));

  return {
    title: 'MQTT client', follows: false,
    leave() { redraw = undefined; },
    content: () => [h('h1', {}, 'MQTT client'), h('div', { class: 'two' }, subscriptions(), publishing()), telemetry(), messages()],
  };
}
