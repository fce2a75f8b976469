// Lines over time, as SVG; the same numbers in words for those who do not see them.
import { h, time } from './draw.js';

const W = 320, H = 96, LEFT = 4, RIGHT = 4, TOP = 8, BOTTOM = 18;

export const short = (n) => Math.abs(n) >= 1e9 ? `${(n / 1e9).toFixed(1)} G` : Math.abs(n) >= 1e6 ? `${(n / 1e6).toFixed(1)} M`
  : Math.abs(n) >= 1e4 ? `${(n / 1e3).toFixed(1)} k` : Number.isInteger(n) ? String(n) : n.toPrecision(4).replace(/\.?0+$/, '');

// points: [[ms, value]...] in the order of time
export function chart(name, points, key = name) {
  const values = points.map((point) => point[1]);
  const least = Math.min(...values), most = Math.max(...values), last = values.at(-1);
  const from = points[0]?.[0], to = points.at(-1)?.[0];
  const x = (ms) => LEFT + (to > from ? (ms - from) / (to - from) : 1) * (W - LEFT - RIGHT);
  const share = (value) => (value / 2 - least / 2) / (most / 2 - least / 2); // halves: the whole may be more than a number holds
  const y = (value) => TOP + (most > least ? 1 - share(value) : 0.5) * (H - TOP - BOTTOM);
  const line = points.map(([ms, value]) => `${x(ms).toFixed(1)},${y(value).toFixed(1)}`);
  const clock = (ms) => new Date(ms).toLocaleTimeString('en-GB');
  const words = `${points.length} values, least ${short(least)}, most ${short(most)}, last ${short(last)}`;
  return h('figure', { class: 'chart', 'data-key': key },
    h('figcaption', {}, h('span', {}, name), h('b', {}, short(last))),
    h('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': `${name}: ${words}, ${time(from)} to ${time(to)}` },
      h('line', { class: 'axis', x1: LEFT, x2: W - RIGHT, y1: H - BOTTOM, y2: H - BOTTOM }),
      h('path', { class: 'area', d: `M${x(from)},${H - BOTTOM} L${line.join(' L')} L${x(to)},${H - BOTTOM} Z` }),
      h('polyline', { class: 'line', points: line.join(' ') }),
      h('circle', { class: 'dot', cx: x(to), cy: y(last), r: 3 }),
      h('text', { x: LEFT, y: H - 4 }, clock(from)),
      h('text', { x: W - RIGHT, y: H - 4, 'text-anchor': 'end' }, clock(to)),
      most > least && h('text', { x: LEFT, y: TOP + 3, class: 'bound' }, short(most))));
}
