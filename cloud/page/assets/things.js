// The fleet: who is connected, with which firmware, doing what.
import { ask, aws } from './ask.js';
import { h, count, when, lasting, version, brief, plain, chip, pages, share } from './draw.js';

const MOST = 50;

export const presence = (thing) => h('span', { class: `presence ${thing.connected ? 'on' : ''}` },
  thing.connected ? 'Connected' : thing.sinceMs ? 'Offline' : 'Never seen');

export const seen = (thing) => !thing.sinceMs ? '' : thing.connected ? ['for ', when(thing.sinceMs, lasting)] : ['left ', when(thing.sinceMs)];

export function activity(job) {
  if (!job) return h('span', { class: 'faint' }, 'idle');
  const percent = share(job.details);
  return [h('a', { href: `#/jobs/${encodeURIComponent(job.jobId)}` }, job.jobId), ' ', chip(job.status),
    percent !== undefined && h('progress', { max: 100, value: percent, 'aria-label': `Download for ${job.jobId}` }, `${percent} %`)];
}

function row(thing) {
  return h('tr', { 'data-key': thing.thingName },
    h('th', { scope: 'row' }, h('a', { href: `#/things/${encodeURIComponent(thing.thingName)}` }, thing.thingName)),
    h('td', { 'data-label': 'Connection' }, presence(thing), ' ', h('span', { class: 'faint' }, seen(thing))),
    h('td', { 'data-label': 'Firmware', title: thing.versionFrom === 'job' ? 'as its last update reported' : 'as its shadow reports' },
      thing.version ? h('code', {}, version(thing.version)) : '–'),
    h('td', { 'data-label': 'Board', class: 'words', title: thing.board && plain(thing.board) }, brief(thing.board) || '–'),
    h('td', { 'data-label': 'Activity' }, activity(thing.job)));
}

const stat = (label, value, kind) => h('div', { class: `stat ${kind || ''}` }, h('dt', {}, label), h('dd', {}, value.toLocaleString('en')));

function nobody() {
  return h('div', { class: 'empty' }, h('h2', {}, 'No things yet'),
    h('p', {}, 'A thing appears here when it is registered. For a device at a serial port, or that of ',
      h('code', {}, 'otter demo --keep'), ':'),
    h('pre', {}, 'otter provision --port PORT --thing lamp'),
    h('p', {}, 'or by hand:'), h('pre', {}, 'otter aws iot create-thing --thing-name lamp'));
}

export function thingsView(_, { draw }) {
  const wish = { search: '', state: '', group: '', begin: 0 };
  let groups = [], typing;
  const change = (what) => {
    Object.assign(wish, { begin: 0 }, what);
    clearTimeout(typing);
    typing = setTimeout(draw, 150);
  };
  const tools = () => h('form', { class: 'tools', role: 'search', onsubmit: (event) => event.preventDefault() },
    h('label', {}, h('span', {}, 'Search'), h('input', { type: 'search', id: 'search', placeholder: 'part of a name', oninput: (event) => change({ search: event.target.value }) })),
    h('label', {}, h('span', {}, 'Connection'), h('select', { onchange: (event) => change({ state: event.target.value }) },
      h('option', { value: '' }, 'any'), h('option', { value: 'connected' }, 'connected'), h('option', { value: 'offline' }, 'offline'))),
    h('label', {}, h('span', {}, 'Group'), h('select', { onchange: (event) => change({ group: event.target.value }) },
      h('option', { value: '' }, 'any'), groups.map((group) => h('option', { value: group, 'data-key': group }, group)))));
  return {
    title: 'Things', follows: true,
    async content() {
      const [list, known] = await Promise.all([ask('things', { ...wish, most: MOST }), aws('iot', 'GET', '/thing-groups', { maxResults: 250 })]);
      groups = known.thingGroups.map((group) => group.groupName);
      const head = [h('div', { class: 'top' }, h('h1', {}, 'Things'),
        h('dl', { class: 'stats' }, stat('registered', list.total), stat('connected', list.connected, 'good'),
          stat('offline', list.total - list.connected, list.total > list.connected ? 'off' : '')))];
      if (list.total === 0) return [...head, nobody()];
      return [...head, tools(),
        h('p', { class: 'faint', role: 'status' }, count(list.matching, 'thing')),
        h('table', { class: 'list' }, h('caption', { class: 'hidden' }, 'Things'),
          h('thead', {}, h('tr', {}, ['Thing', 'Connection', 'Firmware', 'Board', 'Activity'].map((name) => h('th', { scope: 'col' }, name)))),
          h('tbody', {}, list.things.map(row))),
        pages(wish.begin, MOST, list.matching, (begin) => { wish.begin = begin; draw(); })];
    },
  };
}
