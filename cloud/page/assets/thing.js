// One thing: what it is, its shadows, its jobs, its metrics, what it says.
import { ask, aws, segment, hear, want, matches } from './ask.js';
import { h, when, time, version, chip, field } from './draw.js';
import { chart } from './chart.js';
import { presence, seen, activity } from './things.js';
import { messageRow } from './mqtt.js';

const MESSAGES = 50, CHARTS = 12, HOURS = 24;
const pretty = (value) => JSON.stringify(value ?? {}, null, 2);
const orNone = (promise, none) => promise.catch((error) => {
  if (error.status === 404 || error.status === 400) return none;
  throw error;
});

// What turns one document into the other when it is merged: null takes away.
export function difference(before, after) {
  const isTree = (value) => value && typeof value === 'object' && !Array.isArray(value);
  const change = {};
  for (const name of new Set([...Object.keys(before || {}), ...Object.keys(after || {})])) {
    const old = before?.[name], now = after?.[name];
    if (now === undefined) change[name] = null;
    else if (isTree(old) && isTree(now)) {
      const inner = difference(old, now);
      if (inner) change[name] = inner;
    } else if (JSON.stringify(old) !== JSON.stringify(now)) change[name] = now;
  }
  return Object.keys(change).length ? change : undefined;
}

const REASONS = {
  CLIENT_INITIATED_DISCONNECT: 'it said goodbye', CONNECTION_LOST: 'the connection broke', MQTT_KEEP_ALIVE_TIMEOUT: 'it fell silent',
  DUPLICATE_CLIENTID: 'another came with its client id', AUTH_ERROR: 'it had no right to', SERVER_INITIATED_DISCONNECT: 'the cloud stopped',
  SERVER_ERROR: 'the cloud failed', CLIENT_ERROR: 'it did something wrong',
};

function facts(thing, described, groups) {
  const list = [
    ['Connection', [presence(thing), ' ', h('span', { class: 'faint' }, seen(thing), thing.reason ? ` (${REASONS[thing.reason] || thing.reason})` : '')]],
    ['Firmware', thing.version ? [h('code', {}, version(thing.version)), h('span', { class: 'faint' }, thing.versionFrom === 'job' ? ' as its last update reported' : ' as its shadow reports')] : 'unknown'],
    ['Board', thing.board || 'unknown'], ['Activity', activity(thing.job)],
    ['Groups', groups.length ? groups.map((group) => group.groupName).join(', ') : 'none'],
    ['Type', described.thingTypeName || 'none'],
    ...Object.entries(described.attributes || {}),
  ];
  return h('dl', { class: 'facts' }, list.map(([name, value]) => h('div', { 'data-key': name }, h('dt', {}, name), h('dd', {}, value))));
}

function jobs(executions, details) {
  if (!executions.length) return h('p', { class: 'faint' }, 'There was no job for this thing.');
  return h('table', { class: 'list' }, h('caption', { class: 'hidden' }, 'Jobs of this thing'),
    h('thead', {}, h('tr', {}, ['Job', 'Status', 'Since', 'What it says'].map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, executions.map(({ jobId, jobExecutionSummary: summary }) =>
      h('tr', { 'data-key': `${jobId}-${summary.executionNumber}` },
        h('th', { scope: 'row' }, h('a', { href: `#/jobs/${segment(jobId)}` }, jobId)),
        h('td', { 'data-label': 'Status' }, chip(summary.status)),
        h('td', { 'data-label': 'Since' }, when(summary.lastUpdatedAt * 1000)),
        h('td', { 'data-label': 'What it says', class: 'words' }, details.get(jobId)?.reason || '')))));
}

export function thingView(name, { draw, drawSoon, say, warn }) {
  const state = { shadow: '', draft: undefined, base: undefined, fault: '', own: '' };
  const messages = [];
  const owner = {};
  const filters = [`$aws/things/${name}/#`, `$aws/events/+/+/${name}`, `${name}/#`, `+/${name}/#`];
  const release = hear('message', (message) => {
    if (!filters.some((filter) => matches(filter, message.topic))) return;
    messages.unshift(message);
    messages.length = Math.min(messages.length, MESSAGES);
    drawSoon(); // each drawing asks the cloud anew
  });
  want(owner, filters).catch((error) => warn(error.message));

  async function save(shadow) {
    let wanted;
    try {
      wanted = JSON.parse(state.draft);
      if (!wanted || typeof wanted !== 'object' || Array.isArray(wanted)) throw new Error('it must be an object, in braces');
    } catch (error) {
      state.fault = `This is no JSON object: ${error.message}`;
      return draw();
    }
    const change = difference(state.base?.state?.desired, wanted);
    state.fault = '';
    if (change) {
      try {
        await aws('iotdata', 'POST', `/things/${segment(name)}/shadow`, { name: state.shadow || undefined },
          { state: { desired: change }, ...(state.base?.version ? { version: state.base.version } : {}) });
        say('Saved. The device gets what differs.');
      } catch (error) {
        state.fault = error.status === 409 ? 'The shadow has changed meanwhile: look at what it is now (Discard), then change it again.' : error.message;
        return draw();
      }
    }
    state.draft = undefined;
    const box = document.getElementById('desired');
    if (box) box.value = '';
    return draw();
  }

  function shadowPart(shadow, names) {
    const dirty = state.draft !== undefined;
    if (!dirty) state.base = shadow;
    const text = dirty ? state.draft : pretty(shadow?.state?.desired);
    const box = h('textarea', {
      id: 'desired', rows: Math.min(14, Math.max(4, text.split('\n').length)), spellcheck: 'false', 'aria-invalid': state.fault ? 'true' : undefined,
      'aria-describedby': 'shadow-fault', oninput: (event) => { state.draft = event.target.value; draw(); },
      onkeydown: (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save(); },
    });
    box.value = text;
    const present = document.getElementById('desired'); // what is typed stays, what comes is shown
    if (present && !dirty && present.value !== text) present.value = text;
    const delta = shadow?.state?.delta;
    return h('section', { 'aria-labelledby': 'shadow-title' },
      h('div', { class: 'row' }, h('h2', { id: 'shadow-title' }, 'Shadow'),
        h('label', { class: 'inline' }, h('span', { class: 'hidden' }, 'Which shadow'), h('select', {
          onchange: (event) => { Object.assign(state, { shadow: event.target.value, draft: undefined, fault: '' }); draw(); },
        }, h('option', { value: '' }, 'classic'), names.map((own) => h('option', { value: own, 'data-key': own }, own)))),
        h('span', { class: 'faint' }, shadow ? `version ${shadow.version}` : 'none yet; saving makes it')),
      delta && h('p', { class: 'note' }, 'Not yet reported by the device: ', h('code', {}, JSON.stringify(delta))),
      h('div', { class: 'two' },
        h('form', { onsubmit: (event) => { event.preventDefault(); save(); } },
          field('Desired', box, 'JSON. Ctrl+Enter saves.'),
          h('p', { id: 'shadow-fault', class: 'problem', role: 'alert' }, state.fault),
          h('div', { class: 'row' }, h('button', { class: 'primary', disabled: !dirty }, 'Save'),
            h('button', { type: 'button', class: 'quiet', disabled: !dirty, onclick: () => { state.draft = undefined; state.fault = ''; draw(); } }, 'Discard'))),
        h('div', { class: 'field' }, h('h3', { id: 'reported-title' }, 'Reported'),
          h('pre', { id: 'reported', tabindex: 0, 'aria-labelledby': 'reported-title' }, pretty(shadow?.state?.reported)))));
  }

  async function keepMetrics() {
    const metrics = ['aws:all-bytes-in', 'aws:all-bytes-out', 'aws:all-packets-in', 'aws:all-packets-out', 'aws:num-established-tcp-connections', 'aws:num-listening-tcp-ports'];
    await aws('iot', 'POST', '/security-profiles/otter-console', {}, {
      securityProfileDescription: 'Made by the console: keeps what devices report, for its charts',
      additionalMetricsToRetainV2: metrics.map((metric) => ({ metric })),
    }).catch((error) => { if (error.status !== 409) throw error; });
    const { region, account } = await ask('about');
    await aws('iot', 'PUT', '/security-profiles/otter-console/targets', { securityProfileTargetArn: `arn:aws:iot:${region}:${account}:all/registered-things` });
    state.own = 'Kept from the next report on.';
    draw();
  }

  async function metricCharts() {
    const { metrics } = await ask(`things/${segment(name)}/metrics`);
    const end = Math.ceil(Date.now() / 1000) + 60, start = end - HOURS * 3600;
    const all = await Promise.all(metrics.slice(0, CHARTS).map(async (metric) => {
      const { metricDatumList } = await aws('iot', 'GET', '/metric-values', { thingName: name, metricName: metric, startTime: start, endTime: end, maxResults: 250 });
      const number = (value) => value.count ?? value.number ?? value.numbers?.length ?? value.ports?.length ?? value.cidrs?.length ?? value.strings?.length;
      const points = metricDatumList.map((datum) => [datum.timestamp * 1000, number(datum.value)]).filter((point) => point[1] !== undefined);
      points.sort((a, b) => a[0] - b[0]);
      return points.length ? chart(metric, points) : undefined;
    }));
    return all.filter(Boolean);
  }

  function defenderPart(charts, violations) {
    return h('section', { 'aria-labelledby': 'metrics-title' }, h('h2', { id: 'metrics-title' }, 'Device Defender'),
      violations.length > 0 && h('ul', { class: 'problem plain' }, violations.map((found) =>
        h('li', {}, `${found.behavior.name} of ${found.securityProfileName} is violated since ${time(found.violationStartTime * 1000)}`))),
      charts.length ? h('div', { class: 'charts' }, charts)
        : h('div', {}, h('p', { class: 'faint' }, state.own || 'There are no values of the last 24 hours. They are kept of metrics that a security profile uses or asks to keep.'),
          !state.own && h('button', { type: 'button', onclick: () => keepMetrics().catch((error) => warn(error.message)) }, 'Keep the network metrics of all things')));
  }

  const live = () => h('section', { 'aria-labelledby': 'live-title' },
    h('div', { class: 'row' }, h('h2', { id: 'live-title' }, 'Messages'), h('span', { class: 'faint' }, 'as they come, of ', filters.map((filter) => [h('code', {}, filter), ' ']))),
    messages.length ? h('ol', { class: 'messages', 'aria-label': 'Messages, the newest first' }, messages.map((message) => messageRow(message, false)))
      : h('p', { class: 'faint' }, 'Nothing yet.'));

  return {
    title: name, follows: true,
    leave() {
      release();
      want(owner, []);
    },
    async content() {
      const path = `/things/${segment(name)}`;
      const [described, list, groups, executions, shadow, names, charts, violations] = await Promise.all([
        aws('iot', 'GET', path), ask('things', { search: name, most: 250 }), aws('iot', 'GET', `${path}/thing-groups`),
        aws('iot', 'GET', `${path}/jobs`, { maxResults: 10 }),
        orNone(aws('iotdata', 'GET', `${path}/shadow`, { name: state.shadow || undefined }), undefined),
        orNone(aws('iotdata', 'GET', `/api/things/shadow/ListNamedShadowsForThing/${segment(name)}`), { results: [] }),
        metricCharts(), aws('iot', 'GET', '/active-violations', { thingName: name }),
      ]);
      const thing = list.things.find((one) => one.thingName === name) || {};
      const shown = executions.executionSummaries;
      const details = new Map(await Promise.all(shown.map(async ({ jobId, jobExecutionSummary }) => {
        const { execution } = await aws('iot', 'GET', `${path}/jobs/${segment(jobId)}`, { executionNumber: jobExecutionSummary.executionNumber });
        return [jobId, execution.statusDetails?.detailsMap || {}];
      })));
      return [h('p', { class: 'crumbs' }, h('a', { href: '#/things' }, 'Things'), ' /'),
        h('div', { class: 'top' }, h('h1', {}, name), h('a', { class: 'button', href: `#/update/${segment(name)}` }, 'Update this thing')),
        facts(thing, described, groups.thingGroups), shadowPart(shadow, names.results || []),
        h('section', { 'aria-labelledby': 'jobs-title' }, h('h2', { id: 'jobs-title' }, 'Jobs'), jobs(shown, details)),
        defenderPart(charts, violations.activeViolations || []), live()];
    },
  };
}
