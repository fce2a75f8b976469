// Questions to the cloud, and what it tells without being asked.

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(path, options = {}) {
  let reply;
  try {
    reply = await fetch(path, { ...options, headers: { 'X-Otter-Page': '1', ...options.headers } });
  } catch {
    throw new Refusal(0, 'The cloud does not answer. Is otter cloud still running?');
  }
  if (reply.status === 401) {
    location.assign('/');
    throw new Refusal(401, 'Not logged in');
  }
  const text = await reply.text();
  let body = {};
  try {
    body = text ? JSON.parse(text) : {};
  } catch { /* an error page */ }
  if (!reply.ok) {
    const refusal = new Refusal(reply.status, body.message || body.Message || `The cloud answered ${reply.status}.`);
    refusal.body = body;
    throw refusal;
  }
  return body;
}

function query(values) {
  const set = Object.entries(values || {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return set.length ? '?' + new URLSearchParams(set) : '';
}

// What AWS has no operation for.
export const ask = (path, values) => send(`/page/${path}${query(values)}`);

// AWS's own operations: aws('iot', 'GET', '/things', {maxResults: 10}).
export const aws = (service, method, path, values, body) =>
  send(`/aws/${service}${path}${query(values)}`, {
    method,
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });

export const segment = encodeURIComponent;

export const sendImage = (file, values) => send(`/page/image${query(values)}`, { method: 'PUT', body: file });

export const logOut = () => send('/page/logout', { method: 'POST' });

// ---- live ----

const hearers = { changed: new Set(), message: new Set(), lost: new Set(), state: new Set() };
const wanted = new Map(); // who wants which filters
let stream, listener;

export function hear(kind, hearer) {
  hearers[kind].add(hearer);
  return () => hearers[kind].delete(hearer);
}

function tell(kind, value) {
  for (const hearer of [...hearers[kind]]) hearer(value);
}

function setFilters() {
  if (!listener) return Promise.resolve();
  const filters = [...new Set([...wanted.values()].flat())];
  return send(`/page/filters?listener=${listener}`, { method: 'PUT', body: JSON.stringify({ filters }) });
}

// Messages of these filters are to come, for this owner; none: no longer.
export function want(owner, filters) {
  if (filters.length) wanted.set(owner, filters);
  else wanted.delete(owner);
  return setFilters();
}

export function connect() {
  stream = new EventSource('/page/events');
  stream.addEventListener('hello', (event) => {
    listener = JSON.parse(event.data).listener;
    tell('state', true);
    tell('changed');
    setFilters().catch(() => {});
  });
  for (const kind of ['changed', 'message', 'lost'])
    stream.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
  stream.onerror = () => {
    listener = undefined;
    tell('state', false);
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(connect, 2000);
    ask('about').catch(() => {}); // which leads to the notice if the login is no longer good
  };
}

addEventListener('pagehide', () => stream?.close());

// Whether a topic is one that a filter means (MQTT 3.1.1, 4.7).
export function matches(filter, topic) {
  if (/^[+#]/.test(filter) && topic.startsWith('$')) return false;
  const want = filter.split('/'), have = topic.split('/');
  for (let i = 0; i < want.length; i++) {
    if (want[i] === '#') return true;
    if (i >= have.length || (want[i] !== '+' && want[i] !== have[i])) return false;
  }
  return want.length === have.length;
}
