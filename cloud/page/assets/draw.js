// Elements from data, and putting new ones in the place of old ones without losing what a person is
// doing in them: focus, typed text, scroll positions and opened details stay.

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'path', 'line', 'rect', 'text', 'g', 'polyline', 'circle', 'title', 'desc']);

// Marks that nobody sees but that turn or hide what stands beside them: a device's words may have
// them, and are shown with their numbers instead.
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
export const plain = (text) => text.replace(HIDDEN, (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);

// h('a', {href: '#/'}, 'text', child, [children]); on… are handlers, others attributes.
export function h(tag, properties, ...children) {
  const svg = SVG_TAGS.has(tag) && tag !== 'title';
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element[name] = value;
    else if (name === 'value' && 'value' in element && tag !== 'option' && tag !== 'progress') element.value = value;
    else if (name === 'width%') element.style.width = `${value}%`;
    else if (name === 'left%') element.style.left = `${value}%`;
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(4))
    if (child !== undefined && child !== null && child !== false) element.append(typeof child === 'string' ? plain(child) : child);
  return element;
}

const HANDLERS = ['onclick', 'oninput', 'onchange', 'onsubmit', 'onkeydown', 'ondrop', 'ondragover', 'ondragleave'];
const KEPT = new Set(['open', 'hidden']); // a person's, where data-own says so

function sameKind(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName &&
    (a.nodeType !== 1 || a.getAttribute('data-key') === b.getAttribute('data-key'));
}

function takeAttributes(from, to) {
  for (const { name } of [...to.attributes])
    if (!from.hasAttribute(name) && !(KEPT.has(name) && to.hasAttribute('data-own'))) to.removeAttribute(name);
  if (to.style && to.style.cssText !== from.style.cssText) to.style.cssText = from.style.cssText;
  for (const { name, value } of [...from.attributes])
    if (name !== 'style' && to.getAttribute(name) !== value && !(KEPT.has(name) && to.hasAttribute('data-own'))) to.setAttribute(name, value);
  for (const handler of HANDLERS) to[handler] = from[handler];
}

// Makes `old` look as `fresh`; inputs keep what was typed.
export function morph(old, fresh) {
  if (old.nodeType === 3) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  takeAttributes(fresh, old);
  if (old.hasAttribute('data-still')) return; // looks after itself
  morphChildren(old, [...fresh.childNodes]);
}

const isNode = (value) => value instanceof Node;

// What is false or '' is left out.
export function morphChildren(parent, wanted) {
  let at = parent.firstChild;
  for (const fresh of wanted.filter(isNode)) {
    let match = at;
    const key = fresh.nodeType === 1 && fresh.getAttribute('data-key');
    while (match && !sameKind(match, fresh)) match = key || !match ? match.nextSibling : null;
    if (match) {
      if (match !== at) parent.insertBefore(match, at);
      else at = at.nextSibling;
      morph(match, fresh);
    } else {
      parent.insertBefore(fresh, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// ---- words ----

export const count = (n, one, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

export function lasting(ms) {
  const s = Math.max(0, Math.round((Date.now() - ms) / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} days`;
}

export const ago = (ms) => Date.now() - ms < 5000 ? 'just now' : `${lasting(ms)} ago`;

export function time(ms) {
  return new Date(ms).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
}

export const when = (ms, words = ago) => ms ? h('time', { datetime: new Date(ms).toISOString(), title: time(ms) }, words(ms)) : '–';

export function bytes(n) {
  if (n < 10240) return `${n.toLocaleString('en')} bytes`;
  return n < 1048576 * 10 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`;
}

// What devices call themselves may be of any length; a list shows as much as tells them apart.
export const brief = (text, most = 48) => text && text.length > most ? `${text.slice(0, most)}…` : text;

export const version = (text) => text ? text.replace(/^v/, '').replace(/\+0$/, '') : '';

// -1, 0, 1 as sort has it; by numbers, as images' versions are compared.
export function compareVersions(a, b) {
  const parts = (text) => text.replace(/^v/, '').split(/[.+]/).map(Number);
  const one = parts(a), other = parts(b);
  for (let i = 0; i < 4; i++)
    if ((one[i] || 0) !== (other[i] || 0)) return (one[i] || 0) < (other[i] || 0) ? -1 : 1;
  return 0;
}

// ---- parts that several views have ----

const STATES = {
  SUCCEEDED: ['good', 'Succeeded'], COMPLETED: ['good', 'Completed'], IN_PROGRESS: ['busy', 'In progress'],
  QUEUED: ['calm', 'Queued'], WAITING: ['calm', 'Waiting'], SCHEDULED: ['calm', 'Scheduled'], FAILED: ['bad', 'Failed'],
  REJECTED: ['bad', 'Rejected'], TIMED_OUT: ['bad', 'Timed out'], CANCELED: ['off', 'Cancelled'], REMOVED: ['off', 'Removed'],
  DELETION_IN_PROGRESS: ['off', 'Being deleted'],
};
export const stateClass = (state) => (STATES[state] || ['off'])[0];
export const stateName = (state) => (STATES[state] || [0, state])[1];
export const chip = (state) => h('span', { class: `chip ${stateClass(state)}` }, stateName(state));

export const SEGMENTS = ['SUCCEEDED', 'IN_PROGRESS', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED', 'REMOVED', 'QUEUED', 'WAITING'];
const ENDED = ['SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED', 'REMOVED'];

export function tally(counts) {
  const total = SEGMENTS.reduce((sum, state) => sum + (counts[state] || 0), 0);
  const ended = ENDED.reduce((sum, state) => sum + (counts[state] || 0), 0);
  const failed = ['FAILED', 'REJECTED', 'TIMED_OUT'].reduce((sum, state) => sum + (counts[state] || 0), 0);
  return { total, ended, failed, percent: total ? Math.floor(100 * ended / total) : 0 };
}

// How far a job's things are, as one bar.
export function fleetBar(counts, label) {
  const { total, ended, percent } = tally(counts);
  const words = SEGMENTS.filter((state) => counts[state]).map((state) => `${counts[state]} ${stateName(state).toLowerCase()}`);
  return h('div', {
    class: 'fleet', role: 'progressbar', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100,
    'aria-valuenow': percent, 'aria-valuetext': `${ended} of ${total} ended: ${words.join(', ') || 'no things'}`,
  }, SEGMENTS.filter((state) => counts[state]).map((state) =>
    h('span', { class: `part ${state.toLowerCase()}`, 'data-key': state, title: `${counts[state]} ${stateName(state).toLowerCase()}`,
      'width%': 100 * counts[state] / total })));
}

// "12/40" as a device reports it.
export function share(details) {
  const found = /^(\d+)\/(\d+)$/.exec(details?.received || '');
  return found && +found[2] ? Math.min(100, Math.round(100 * found[1] / found[2])) : undefined;
}

export function pages(begin, most, total, go) {
  if (total <= most) return '';
  const last = Math.min(begin + most, total);
  return h('nav', { class: 'pages', 'aria-label': 'Pages' },
    h('button', { type: 'button', disabled: begin === 0, onclick: () => go(Math.max(0, begin - most)) }, 'Previous'),
    h('span', {}, `${begin + 1}–${last} of ${total.toLocaleString('en')}`),
    h('button', { type: 'button', disabled: last >= total, onclick: () => go(begin + most) }, 'Next'));
}

export function field(label, control, hint) {
  const id = control.id || `f-${label.replace(/\W+/g, '-').toLowerCase()}`;
  control.id = id;
  if (hint) control.setAttribute('aria-describedby', `${id}-hint`);
  return h('div', { class: 'field' }, h('label', { for: id }, label), control,
    hint && h('p', { class: 'hint', id: `${id}-hint` }, hint));
}

// Asks before something that cannot be taken back.
export function confirmed(question, action) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { 'aria-labelledby': 'ask-what' },
      h('form', { method: 'dialog' }, h('p', { id: 'ask-what' }, question),
        h('div', { class: 'row end' },
          h('button', { value: 'no', class: 'quiet' }, 'Keep it'),
          h('button', { value: 'yes', class: 'danger' }, action))));
    dialog.onclose = () => {
      resolve(dialog.returnValue === 'yes');
      dialog.remove();
    };
    document.body.append(dialog);
    dialog.showModal();
  });
}
