// Jobs and roll-outs: how far, how fast, why each failed, and when they stop themselves.
import { ask, aws, segment } from './ask.js';
import { h, chip, fleetBar, tally, when, time, count, stateName, SEGMENTS, pages, share, version, confirmed } from './draw.js';

const MOST = 50;

function jobRow(job) {
  const { ended, total, failed, percent } = tally(job.counts);
  return h('tr', { 'data-key': job.jobId },
    h('th', { scope: 'row' }, h('a', { href: `#/jobs/${segment(job.jobId)}` }, job.jobId), job.description && h('div', { class: 'faint' }, job.description)),
    h('td', { 'data-label': 'Version' }, job.version ? h('code', {}, version(job.version)) : '–'),
    h('td', { 'data-label': 'Status' }, chip(job.status)),
    h('td', { 'data-label': 'Progress', class: 'wide' }, fleetBar(job.counts, `Progress of ${job.jobId}`),
      h('span', { class: 'faint' }, `${percent} % · ${ended} of ${count(total, 'thing')}`, failed > 0 && h('b', { class: 'bad' }, ` · ${failed} failed`))),
    h('td', { 'data-label': 'Created' }, when(job.createdAt * 1000)));
}

export function jobsView(_, { draw }) {
  const wish = { search: '', begin: 0 };
  let typing;
  const search = (event) => {
    Object.assign(wish, { search: event.target.value, begin: 0 });
    clearTimeout(typing);
    typing = setTimeout(draw, 150);
  };
  return {
    title: 'Jobs', follows: true,
    async content() {
      const list = await ask('jobs', { ...wish, most: MOST });
      const top = h('div', { class: 'top' }, h('h1', {}, 'Jobs'), h('a', { class: 'button', href: '#/update' }, 'New update'));
      if (!list.total && !wish.search)
        return [top, h('div', { class: 'empty' }, h('h2', {}, 'No jobs yet'),
          h('p', {}, 'An update brings a firmware image to a thing or a group of them. ', h('a', { href: '#/update' }, 'Drop one into the page'), ' to begin.'))];
      return [top,
        h('form', { class: 'tools', role: 'search', onsubmit: (event) => event.preventDefault() },
          h('label', {}, h('span', {}, 'Search'), h('input', { type: 'search', placeholder: 'part of an id', oninput: search }))),
        h('table', { class: 'list' }, h('caption', { class: 'hidden' }, 'Jobs, the newest first'),
          h('thead', {}, h('tr', {}, ['Job', 'Version', 'Status', 'Progress', 'Created'].map((name) => h('th', { scope: 'col' }, name)))),
          h('tbody', {}, list.jobs.map(jobRow))),
        pages(wish.begin, MOST, list.total, (begin) => { wish.begin = begin; draw(); })];
    },
  };
}

// ---- one job ----

const ABORTS = { FAILED: ['FAILED'], REJECTED: ['REJECTED'], TIMED_OUT: ['TIMED_OUT'], ALL: ['FAILED', 'REJECTED', 'TIMED_OUT'] };

function abortPart(job, counts) {
  const criteria = job.abortConfig?.criteriaList || [];
  const { ended } = tally(counts);
  if (!criteria.length) return h('p', { class: 'faint' }, 'No abort threshold: it goes on whatever fails.');
  return criteria.map((one) => {
    const failed = ABORTS[one.failureType].reduce((sum, state) => sum + (counts[state] || 0), 0);
    const percent = ended ? 100 * failed / ended : 0;
    const over = percent >= one.thresholdPercentage && ended >= one.minNumberOfExecutedThings;
    const what = one.failureType === 'ALL' ? 'not succeeded' : stateName(one.failureType).toLowerCase();
    return h('div', { class: 'threshold' },
      h('div', { class: 'gauge', role: 'meter', 'aria-label': 'Abort threshold', 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(percent),
        'aria-valuetext': `${percent.toFixed(0)} % ${what}, aborts at ${one.thresholdPercentage} %` },
      h('span', { class: `fill ${over ? 'over' : ''}`, 'width%': Math.min(100, percent) }),
      h('span', { class: 'mark', 'left%': Math.min(100, one.thresholdPercentage) })),
      h('p', {}, h('b', { class: over ? 'bad' : '' }, `${percent.toFixed(0)} %`), ` ${what} of those that have ended. Aborts at `,
        h('b', {}, `${one.thresholdPercentage} %`), `, once ${count(one.minNumberOfExecutedThings, 'thing has', 'things have')} ended.`));
  });
}

function rate(job) {
  const config = job.jobExecutionsRolloutConfig || {};
  const grows = config.exponentialRate;
  if (grows)
    return `${grows.baseRatePerMinute} a minute at first, × ${grows.incrementFactor} after each ` +
      (grows.rateIncreaseCriteria.numberOfNotifiedThings ? `${grows.rateIncreaseCriteria.numberOfNotifiedThings} notified` : `${grows.rateIncreaseCriteria.numberOfSucceededThings} succeeded`) +
      (config.maximumPerMinute ? `, at most ${config.maximumPerMinute}` : '');
  return config.maximumPerMinute ? `${config.maximumPerMinute} a minute` : 'all at once';
}

const PHASES = new Map([['self_test', 'self-test']]);

function progress(execution) {
  const percent = share(execution.details);
  const phase = execution.details.phase || execution.details.self_test;
  if (execution.status === 'SUCCEEDED') return h('progress', { class: 'done', max: 100, value: 100, 'aria-label': `${execution.thingName} has succeeded` }, '100 %');
  if (execution.status === 'IN_PROGRESS' || percent !== undefined)
    return [h('progress', { max: 100, value: percent ?? 0, 'aria-label': `Progress of ${execution.thingName}` }, `${percent ?? 0} %`),
      h('span', { class: 'faint' }, percent !== undefined ? ` ${percent} %` : '', phase ? ` ${PHASES.get(phase) || phase}` : '')];
  return '';
}

const says = ({ reason, running }) => reason || (running ? `runs ${running}` : '');

function executionRow(execution) {
  return h('tr', { 'data-key': execution.thingName },
    h('th', { scope: 'row' }, h('a', { href: `#/things/${segment(execution.thingName)}` }, execution.thingName)),
    h('td', { 'data-label': 'Status' }, chip(execution.status), execution.attempt > 0 && h('span', { class: 'faint' }, ` retry ${execution.attempt}`)),
    h('td', { 'data-label': 'Progress' }, progress(execution)),
    h('td', { 'data-label': 'What it says', class: 'words' }, says(execution.details)),
    h('td', { 'data-label': 'Since' }, when(execution.updatedAt && execution.updatedAt * 1000)));
}

// Why things failed, the most frequent reason first.
function reasons(executions) {
  const found = new Map();
  for (const { status, details, thingName } of executions) {
    if (!ABORTS.ALL.includes(status)) continue;
    const why = details.reason || stateName(status);
    found.set(why, [...(found.get(why) || []), thingName]);
  }
  if (!found.size) return '';
  return h('section', { 'aria-labelledby': 'why-title' }, h('h2', { id: 'why-title' }, 'Why things failed'),
    h('ul', { class: 'reasons' }, [...found].sort((a, b) => b[1].length - a[1].length).slice(0, 8).map(([why, things]) =>
      h('li', { 'data-key': why }, h('b', {}, `${things.length} × `), why, h('span', { class: 'faint' }, ` ${things.slice(0, 3).join(', ')}${things.length > 3 ? ' …' : ''}`)))));
}

export function jobView(id, { draw, warn, say }) {
  const wish = { search: '', state: '', begin: 0 };
  let typing, told = -1;
  const change = (what) => {
    Object.assign(wish, { begin: 0 }, what);
    clearTimeout(typing);
    typing = setTimeout(draw, 150);
  };
  async function cancel() {
    if (!await confirmed(`Cancel ${id}? Things that have not begun do not get it; those that have begun are told to stop.`, 'Cancel the job')) return;
    try {
      await aws('iot', 'PUT', `/jobs/${segment(id)}/cancel`, { force: true }, { comment: 'cancelled in the console' });
      say('The job is cancelled.');
    } catch (error) {
      warn(error.message);
    }
    draw();
  }
  const legend = (counts) => h('ul', { class: 'legend' }, SEGMENTS.filter((state) => counts[state]).map((state) =>
    h('li', { 'data-key': state }, h('button', { type: 'button', class: 'quiet', 'aria-pressed': wish.state === state ? 'true' : 'false', onclick: () => change({ state: wish.state === state ? '' : state }) },
      h('span', { class: `swatch ${state.toLowerCase()}` }), `${counts[state].toLocaleString('en')} ${stateName(state).toLowerCase()}`))));
  return {
    title: id, follows: true,
    async content() {
      const [{ job }, list, all, failed] = await Promise.all([
        aws('iot', 'GET', `/jobs/${segment(id)}`), ask(`jobs/${segment(id)}/executions`, { ...wish, most: MOST }), ask('jobs', { search: id, most: 250 }),
        Promise.all(ABORTS.ALL.map((state) => ask(`jobs/${segment(id)}/executions`, { state, most: 250 })))]);
      const own = all.jobs.find((one) => one.jobId === id) || { counts: {} };
      const { percent, ended, total } = tally(own.counts);
      if (percent !== told && told >= 0 && (percent === 100 || percent - told >= 10)) say(`${percent} % of the roll-out has ended.`);
      if (told < 0 || percent === 100 || percent - told >= 10) told = percent;
      const open = job.status === 'IN_PROGRESS' || job.status === 'SCHEDULED';
      return [h('p', { class: 'crumbs' }, h('a', { href: '#/jobs' }, 'Jobs'), ' /'),
        h('div', { class: 'top' }, h('h1', {}, id, ' ', chip(job.status)), open && h('button', { type: 'button', class: 'danger', onclick: cancel }, 'Cancel the job')),
        (job.reasonCode || job.comment) && h('p', { class: 'problem' },
          job.reasonCode === 'ABORT_CRITERIA_MET' ? 'Stopped by its abort threshold: ' : 'Cancelled: ',
          job.reasonCode === 'ABORT_CRITERIA_MET' ? job.comment : [job.reasonCode, job.comment].filter(Boolean).join(', ')),
        h('section', { class: 'card', 'aria-labelledby': 'fleet-title' }, h('div', { class: 'row between' },
          h('h2', { id: 'fleet-title' }, 'Fleet'), h('p', { class: 'big' }, h('b', {}, `${percent} %`), h('span', { class: 'faint' }, ` ${ended} of ${count(total, 'thing')}`))),
        fleetBar(own.counts, 'Roll-out over all things'), legend(own.counts), abortPart(job, own.counts)),
        h('dl', { class: 'facts' }, [
          ['Version', own.version ? h('code', {}, version(own.version)) : '–'], ['Roll-out', rate(job)],
          ['Targets', (job.targets || []).map((arn) => arn.split(':').pop()).join(', ')],
          ['Created', time(job.createdAt * 1000)], ...(job.completedAt ? [['Completed', time(job.completedAt * 1000)]] : []),
        ].map(([name, value]) => h('div', { 'data-key': name }, h('dt', {}, name), h('dd', {}, value)))),
        reasons(failed.flatMap((page) => page.executions)),
        h('section', { 'aria-labelledby': 'things-title' }, h('div', { class: 'row between' }, h('h2', { id: 'things-title' }, 'Things'),
          h('form', { class: 'tools', role: 'search', onsubmit: (event) => event.preventDefault() },
            wish.state && h('button', { type: 'button', class: 'quiet', onclick: () => change({ state: '' }) }, `Only ${stateName(wish.state).toLowerCase()} ✕`),
            h('label', {}, h('span', { class: 'hidden' }, 'Search'), h('input', { type: 'search', placeholder: 'Search a name', oninput: (event) => change({ search: event.target.value }) })))),
          h('table', { class: 'list' }, h('caption', { class: 'hidden' }, 'Things of this job'),
            h('thead', {}, h('tr', {}, ['Thing', 'Status', 'Progress', 'What it says', 'Since'].map((name) => h('th', { scope: 'col' }, name)))),
            h('tbody', {}, list.executions.map(executionRow))),
          pages(wish.begin, MOST, list.matching, (begin) => { wish.begin = begin; draw(); }))];
    },
  };
}
