// A new update: an image file, whom it is for, how it rolls out.
import { ask, aws, segment, sendImage } from './ask.js';
import { h, bytes, version, brief, compareVersions, count, field } from './draw.js';

const LARGEST = 64 * 1048576;
const check = (good, name, words) => h('li', { class: good ? 'good' : 'bad', 'data-key': name },
  h('span', { class: 'mark', 'aria-hidden': 'true' }, good ? '✓' : '✗'), h('b', {}, name), h('span', {}, h('span', { class: 'hidden' }, good ? 'good: ' : 'not good: '), words));

const suggestion = (text) => `v${version(text).replace(/[^0-9a-zA-Z]+/g, '-')}-${Date.now().toString(36).slice(-5)}`;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const safeName = (name) => name.replace(/[^A-Za-z0-9._+-]/g, '_').slice(-128);

export function updateView(wanted, { draw, say, warn }) {
  const state = { file: undefined, found: undefined, looking: false, over: false, kind: 'thing', target: wanted || '', rate: 'all', protocol: 'MQTT', abort: true, problem: '', sending: '' };
  let things = [], groups = [], profiles = [], typing;

  // ---- the image ----

  async function take(file) {
    if (!file) return;
    Object.assign(state, { file, found: undefined, looking: true, problem: '' });
    draw();
    try {
      if (file.size > LARGEST) throw new Error(`${file.name} has ${bytes(file.size)}; the console takes up to 64 MiB.`);
      state.found = await sendImage(file, { name: safeName(file.name), boards: boards().join(',') });
      say(state.found.sendable ? `${file.name} is good to be sent.` : `${file.name} cannot be sent: ${state.found.problems.join(' ')}`);
    } catch (error) {
      state.found = { sendable: false, problems: [error.message], size: file.size, keys: [] };
      say(error.message);
    }
    state.looking = false;
    draw();
  }

  const zone = () => h('div', {
    class: `drop ${state.over ? 'over' : ''}`, id: 'drop',
    ondragover: (event) => { event.preventDefault(); if (!state.over) { state.over = true; draw(); } },
    ondragleave: () => { state.over = false; draw(); },
    ondrop: (event) => { event.preventDefault(); state.over = false; take(event.dataTransfer.files[0]); },
  },
  h('p', {}, h('label', { for: 'file', class: 'button' }, state.file ? 'Another image' : 'Choose an image'), h('span', {}, ' or drop it here')),
  h('input', { type: 'file', id: 'file', class: 'file', accept: '.bin,application/octet-stream', 'aria-describedby': 'file-hint', onchange: (event) => take(event.target.files[0]) }),
  h('p', { class: 'hint', id: 'file-hint' }, 'A signed firmware image, as otter sign or imgtool writes it.'));

  function verdict() {
    if (state.looking) return h('p', { role: 'status' }, 'Looking at the image …');
    const { found, file } = state;
    if (!found) return '';
    const board = found.boards?.[0];
    return h('div', { class: `verdict ${found.sendable ? 'good' : 'bad'}`, id: 'verdict' },
      h('h3', {}, file.name, found.sendable ? ' is good to be sent' : ' cannot be sent'),
      found.problems.map((problem) => h('p', { class: 'problem', role: 'alert' }, problem)),
      found.version && h('ul', { class: 'checks' },
        check(true, 'Version', h('code', {}, version(found.version))),
        found.board && check((found.boards || []).every((one) => one.name === found.board), 'Board', found.board),
        check((found.boards || []).every((one) => one.fits), 'Size', `${bytes(found.size)}${board ? ` of ${bytes(board.limit)} on ${board.name}` : ''}`),
        check(found.hash === 'good', 'Hash', found.hash === 'good' ? h('code', { class: 'digest', title: found.digest }, `${found.digest.slice(0, 16)}…`) : found.hash),
        check(found.signature === 'good', 'Signature', found.signature === 'good' ? ['by the known key ', h('code', {}, found.key)] : found.signed ? `by none of the known keys (${found.keys.join(', ') || 'there are none'})` : 'none'),
        found.loadAddress > 0 && check(true, 'Linked for', h('code', {}, `0x${found.loadAddress.toString(16)}`))));
  }

  // ---- whom it is for ----

  const targets = () => state.kind === 'thing' ? things.filter((thing) => thing.thingName === state.target) : state.members || [];
  const boards = () => [...new Set(targets().map((thing) => thing.board).filter(Boolean))];

  async function aim(what) {
    Object.assign(state, what, { problem: '' });
    if (state.kind === 'group' && groups.includes(state.target))
      state.members = (await ask('things', { group: state.target, most: 250 })).things;
    else state.members = undefined;
    clearTimeout(typing);
    typing = setTimeout(async () => {
      if (state.kind === 'thing' && !things.some((thing) => thing.thingName === state.target))
        things = (await ask('things', { search: state.target, most: 250 })).things;
      draw();
    }, 100);
  }

  function aimed() {
    const all = targets();
    if (!all.length) return state.target && h('p', { class: 'hint' }, `There is no ${state.kind} '${state.target}' yet.`);
    const notNewer = state.found?.version ? all.filter((thing) => thing.version && compareVersions(state.found.version, thing.version) <= 0) : [];
    const versions = [...new Set(all.map((thing) => version(thing.version) || 'unknown'))].join(', ');
    return [h('p', { class: 'hint' }, `${count(all.length, 'thing')}, firmware ${brief(versions, 200)}, board ${brief(boards().map((one) => brief(one)).join(', '), 200) || 'unknown'}; ${count(all.filter((thing) => thing.connected).length, 'is', 'are')} connected.`),
      notNewer.length > 0 && h('p', { class: 'note' }, `${version(state.found.version)} is not above what runs on ${count(notNewer.length, 'thing')}: devices reject such an update unless they allow it.`)];
  }

  const target = () => h('fieldset', {}, h('legend', {}, 'For'),
    h('div', { class: 'row' }, ['thing', 'group'].map((kind) => h('label', { class: 'inline' },
      h('input', { type: 'radio', name: 'kind', value: kind, checked: state.kind === kind, onchange: () => aim({ kind, target: '' }) }), kind === 'thing' ? ' one thing' : ' a group of things'))),
    h('div', { class: 'field' }, h('label', { for: 'target' }, state.kind === 'thing' ? 'Thing' : 'Group'),
      h('input', { id: 'target', 'data-key': state.kind, list: 'targets', required: true, autocomplete: 'off', spellcheck: 'false', value: state.target, oninput: (event) => aim({ target: event.target.value }) }),
      h('datalist', { id: 'targets' }, (state.kind === 'thing' ? things.map((thing) => thing.thingName) : groups).map((name) => h('option', { value: name, 'data-key': name })))),
    aimed());

  // ---- how ----

  const number = (name, label, value, least, most, step) => h('label', { class: 'inline' }, `${label} `, h('input', { type: 'number', name, value, min: least, max: most, step: step || 1, required: true }));
  const rollout = () => h('fieldset', {}, h('legend', {}, 'Roll-out'),
    h('div', { class: 'row' }, [['all', ' all at once'], ['constant', ' so many a minute'], ['growing', ' slowly, then faster']].map(([rate, words]) => h('label', { class: 'inline' },
      h('input', { type: 'radio', name: 'rate', value: rate, checked: state.rate === rate, onchange: () => { state.rate = rate; draw(); } }), words))),
    state.rate === 'constant' && h('div', { class: 'row', 'data-key': 'constant' }, number('perMinute', 'Things a minute', 50, 1, 1000)),
    state.rate === 'growing' && h('div', { class: 'row', 'data-key': 'growing' }, number('base', 'At first, a minute', 5, 1, 1000), number('factor', 'times', 2, 1.1, 5, 0.1),
      number('after', 'after each … succeeded', 10, 1, 100000), number('most', 'at most, a minute', 500, 1, 1000)),
    h('div', { class: 'row' }, h('label', { class: 'inline' }, h('input', { type: 'checkbox', checked: true, onchange: (event) => { state.abort = event.target.checked; draw(); } }), ' Stop when too many fail')),
    state.abort && h('div', { class: 'row', 'data-key': 'abort' }, number('threshold', 'Percent failed', 20, 1, 100), number('minimum', 'of at least', 5, 1, 100000), h('span', {}, 'things')));

  function signer() {
    if (!profiles.length)
      return h('div', { class: 'note' }, h('p', {}, 'There is no signing profile yet. It holds the key whose public half the devices have as ', h('code', {}, 'ota_signer_pub'), '; made once for a product:'),
        h('pre', {}, 'otter aws acm import-certificate --certificate fileb://signer.crt --private-key fileb://signer.key\n' +
          'otter aws signer put-signing-profile --profile-name lamp --platform AmazonFreeRTOS-Default \\\n    --signing-material certificateArn=ARN --signing-parameters certname=ota_signer_pub'));
    return field('Signed with the profile', h('select', { id: 'profile', name: 'profile' }, profiles.map((profile) => h('option', { value: profile, 'data-key': profile }, profile))),
      'The cloud signs the file for the download; devices check it with ota_signer_pub.');
  }

  // ---- sending ----

  function request(form, kept, about) {
    const value = (name) => Number(form.elements[name].value);
    const protocols = { MQTT: ['MQTT'], HTTP: ['HTTP'], both: ['MQTT', 'HTTP'] }[form.elements.protocol.value];
    const rates = {
      constant: () => ({ maximumPerMinute: value('perMinute') }),
      growing: () => ({ maximumPerMinute: value('most'), exponentialRate: { baseRatePerMinute: value('base'), incrementFactor: value('factor'), rateIncreaseCriteria: { numberOfSucceededThings: value('after') } } }),
    };
    return {
      targets: [`arn:aws:iot:${about.region}:${about.account}:${state.kind === 'thing' ? 'thing' : 'thinggroup'}/${state.target}`],
      protocols, roleArn: kept.roleArn, targetSelection: form.elements.continuous?.checked ? 'CONTINUOUS' : 'SNAPSHOT',
      files: [{
        fileName: kept.key, fileVersion: version(state.found.version), fileLocation: { s3Location: { bucket: kept.bucket, key: kept.key, version: kept.version } },
        codeSigning: { startSigningJobParameter: { signingProfileName: form.elements.profile.value, destination: { s3Destination: { bucket: kept.bucket, prefix: 'signed/' } } } },
      }],
      ...(rates[state.rate] ? { awsJobExecutionsRolloutConfig: rates[state.rate]() } : {}),
      ...(state.abort ? { awsJobAbortConfig: { abortCriteriaList: [{ failureType: 'ALL', action: 'CANCEL', thresholdPercentage: value('threshold'), minNumberOfExecutedThings: value('minimum') }] } } : {}),
      ...(form.elements.words.value ? { description: form.elements.words.value } : {}),
    };
  }

  async function finished(id) {
    for (let tries = 0; tries < 240; tries++) {
      const { otaUpdateInfo: info } = await aws('iot', 'GET', `/otaUpdates/${segment(id)}`);
      if (info.otaUpdateStatus === 'CREATE_COMPLETE') return info.awsIotJobId;
      if (info.otaUpdateStatus === 'CREATE_FAILED') throw new Error(`The update could not be made: ${info.errorInfo?.message || info.errorInfo?.code}`);
      await sleep(250);
    }
    throw new Error('The update is still being made: look at it again with otter aws iot get-ota-update.');
  }

  async function send(event) {
    event.preventDefault();
    const form = event.target, id = form.elements.id.value;
    state.problem = '';
    try {
      if (!state.found?.sendable) throw new Error('Choose an image first that is good to be sent.');
      if (!targets().length) throw new Error(`There is no ${state.kind} '${state.target}' with things in it.`);
      state.sending = 'Sending the image …';
      draw();
      const about = await ask('about');
      const { kept } = await sendImage(state.file, { name: safeName(state.file.name), boards: boards().join(','), keep: 1 });
      state.sending = 'Signing …';
      draw();
      await aws('iot', 'POST', `/otaUpdates/${segment(id)}`, {}, request(form, kept, about));
      const job = await finished(id);
      say(`The update ${id} is on its way.`);
      location.hash = `#/jobs/${segment(job)}`;
    } catch (error) {
      state.problem = error.body?.problems?.join(' ') || error.message;
      warn(state.problem);
    }
    state.sending = '';
    draw();
  }

  const ready = () => state.found?.sendable && targets().length > 0 && profiles.length > 0 && !state.sending;

  return {
    title: 'New update', follows: false,
    async content() {
      if (!state.asked) {
        state.asked = true;
        const [list, known, signers] = await Promise.all([ask('things', { most: 250, search: wanted }), aws('iot', 'GET', '/thing-groups', { maxResults: 250 }), aws('signer', 'GET', '/signing-profiles')]);
        things = list.things;
        groups = known.thingGroups.map((group) => group.groupName);
        profiles = (signers.profiles || []).map((profile) => profile.profileName);
      }
      const missing = !state.found?.sendable ? 'an image that is good' : !targets().length ? `a ${state.kind}` : !profiles.length ? 'a signing profile' : '';
      if (state.found?.version && state.named !== state.found) Object.assign(state, { named: state.found, id: suggestion(state.found.version) });
      const id = state.id || '';
      return [h('h1', {}, 'New update'),
        h('section', { class: 'card', 'aria-labelledby': 'image-title' }, h('h2', { id: 'image-title' }, '1. Image'), zone(), verdict()),
        h('form', { onsubmit: send, id: 'update' },
          h('section', { class: 'card', 'aria-labelledby': 'target-title' }, h('h2', { id: 'target-title' }, '2. Target'), target()),
          h('section', { class: 'card', 'aria-labelledby': 'how-title' }, h('h2', { id: 'how-title' }, '3. Roll-out'), rollout(),
            h('div', { class: 'two' }, signer(),
              field('Devices fetch it by', h('select', { name: 'protocol', id: 'protocol' }, ['MQTT', 'HTTP', 'both'].map((name) => h('option', { value: name }, name))))),
            h('div', { class: 'two' },
              field('Name of the update', h('input', { name: 'id', id: 'id', 'data-key': id, required: true, pattern: '[A-Za-z0-9_\\-]{1,128}', value: id, spellcheck: 'false' }), 'Letters, digits, - and _.'),
              field('Description', h('input', { name: 'words', id: 'words', maxlength: 500 }))),
            state.kind === 'group' && h('label', { class: 'inline', 'data-key': 'continuous' }, h('input', { type: 'checkbox', name: 'continuous' }), ' Also things that join the group later')),
          h('p', { class: 'problem', role: 'alert' }, state.problem),
          h('div', { class: 'row' }, h('button', { class: 'primary big', disabled: !ready() }, state.sending || 'Send the update'),
            missing && h('span', { class: 'faint' }, `Still missing: ${missing}.`)))];
    },
  };
}
