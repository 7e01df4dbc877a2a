// The run explorer: which run, what it measured beside the median, what its replicas and requests went through.

const OUTCOMES = {
  completed: ['circle', 'stable-ink'], truncated: ['triangle', 'alert'], refused: ['diamond', 'costly-ink'],
  dropped: ['rect', 'alert'], timed_out: ['arrow', 'ink'], failed: ['pin', 'costly-ink'], in_flight: ['roundRect', 'muted'],
};
const WORDS = (word) => word.replaceAll('_', ' ');
// What is marked on the run's chart, of all decisions.
const MARKED = ['rollout_started', 'weight_set', 'paused', 'promoted', 'aborted', 'rollout_completed', 'deadline_exceeded',
  'analysis_failed', 'analysis_inconclusive', 'roll_back'];

// Of those, the ones that say that something went wrong.
const BAD = ['aborted', 'analysis_failed', 'deadline_exceeded'];

// Marks that lie so close, in minutes, that they could not be told apart, under one name.
function together(marks, near) {
  const groups = [];
  marks.forEach(([time, event], i) => {
    const last = groups[groups.length - 1];
    if (last && (time - last.time) / 60 < near) {
      last.name = `${last.first}\u2013${i + 1}`;
      last.events.push(event);
    } else {
      groups.push({ time, first: i + 1, name: String(i + 1), events: [event] });
    }
  });
  return groups;
}

class Explorer {
  constructor(known) {
    this.known = known;
    this.position = new Map(known.runs.map((run, i) => [run, i]));
    this.details = new Map(known.details.map((detail) => [detail.run, detail]));
    this.metric = known.metrics.find(({ name }) => name === 'truncated_attempts') ?? known.metrics.find(({ headline }) => headline) ?? known.metrics[0];
    this.quantile = this.metric.better > 0 ? 0 : 4;
    this.fill();
    this.pick(this.metric.choice[this.quantile]);
  }

  // The controls.
  fill() {
    const select = byId('pick-metric');
    for (const [label, wanted] of [['Headlines', true], ['All others', false]]) {
      const group = element('optgroup', undefined, { label });
      this.known.metrics.filter(({ headline }) => headline === wanted).forEach(({ name }) => group.append(element('option', name, { value: name })));
      if (group.children.length) select.append(group);
    }
    select.value = this.metric.name;
    select.onchange = () => {
      this.metric = this.known.metrics.find(({ name }) => name === select.value);
      this.pick(this.metric.choice[this.quantile]);
    };
    this.buttons = [0, 1, 2, 3, 4].map((quantile) => {
      const button = element('button', undefined, { type: 'button' });
      button.onclick = () => {
        this.quantile = quantile;
        this.pick(this.metric.choice[quantile]);
      };
      return button;
    });
    byId('pick-quantile').append(...this.buttons);
    const number = byId('pick-run');
    number.onchange = () => {
      const run = Number(number.value);
      this.quantile = -1;
      if (number.value !== '' && this.position.has(run)) this.pick(run);
      else this.refuse(number.value);
    };
    byId('pick').onsubmit = (event) => event.preventDefault();
  }

  names() {
    const ends = { 1: ['Worst', 'Best'], '-1': ['Best', 'Worst'], 0: ['Least', 'Greatest'] }[this.metric.better];
    return [ends[0], 'P5', 'Median', 'P95', ends[1]];
  }

  refuse(asked) {
    byId('run-title').textContent = `No run ${asked} on this page`;
    byId('run-finding').textContent = `It has ${this.known.runs.length} of ${this.known.runs_in_all} runs, numbered from 0.`;
  }

  pick(run) {
    this.run = run;
    byId('pick-run').value = run;
    this.names().forEach((name, i) => {
      this.buttons[i].textContent = name;
      this.buttons[i].setAttribute('aria-pressed', String(i === this.quantile));
    });
    if (this.quantile < 0) this.quantile = 4;
    this.say();
    this.among();
    const detail = this.details.get(run);
    byId('run-detail').hidden = !detail;
    byId('run-command').hidden = Boolean(detail);
    byId('run-command').textContent = `This page has no replicas and requests of run ${run}. They are shown by: ${this.known.command.replace(/N$/, run)}`;
    if (detail) this.live(detail);
    this.measure();
  }

  // Where the run stands by the metric, in words.
  standing(metric, index) {
    const value = metric.values[index];
    if (value === null) return { text: 'n/a', rank: null };
    const known = metric.values.filter((other) => other !== null);
    const below = known.filter((other) => other < value).length;
    const equal = known.filter((other) => other === value).length;
    const share = (100 * (below + equal / 2)) / known.length;
    return { text: written(metric, value), below, equal, count: known.length, share };
  }

  say() {
    const index = this.position.get(this.run);
    const { text, below, equal, count } = this.standing(this.metric, index);
    byId('run-title').textContent = `Run ${this.run}: ${this.metric.name} ${text}`;
    const others = [[below, 'have less'], [equal - 1, 'have as much'], [count - below - equal, 'have more']].filter(([number]) => number > 0);
    const rank = below === undefined ? '' : ` Of the ${count - 1} other runs, ${others.map(([number, how]) => `${number} ${how}`).join(', ')}.`;
    const outcome = this.known.outcomes[index];
    const reason = this.known.reasons[index];
    const ended = outcome === 'none' ? '' : ` Its rollout: ${WORDS(outcome)}${reason ? ` (${reason})` : ''}.`;
    byId('run-finding').textContent = `${this.metric.meaning}${rank}${ended}`;
  }

  // The metric over all runs, with this one marked.
  among() {
    const { metric } = this;
    const known = metric.values.filter((value) => value !== null);
    const value = metric.values[this.position.get(this.run)];
    const scale = { seconds: [1, 's'], share: [100, '%'] }[metric.quantity] ?? [1, metric.unit];
    const rows = bars(known.map((one) => one * scale[0]));
    const label = `${metric.name}${scale[1] ? `, ${scale[1]}` : ''}`;
    byId('run-among-chart').setAttribute('aria-label', `Histogram of ${metric.name} over ${known.length} runs, from ${written(metric, Math.min(...known))} to ${written(metric, Math.max(...known))}; run ${this.run} has ${written(metric, value)}.`);
    // The mark's name stays within the chart.
    const share = (value - Math.min(...known)) / (Math.max(...known) - Math.min(...known) || 1);
    const aside = () => (share > 0.85 ? -45 : share < 0.15 ? 45 : 0);
    draw('run-among', (color, narrow) => {
      const marks = value === null ? [] : [{ axis: 'xAxis', at: value * scale[0], name: `run ${this.run}: ${written(metric, value)}`, look: { color: color('ink') }, position: 'end', offset: [aside(), 0] }];
      return histogram(rows.bars, rows.width, marks, label, color, narrow, 'stable');
    });
  }

  // What happened in the run.
  live(detail) {
    const rows = detail.replicas.length;
    const row = rows > 60 ? 8 : rows > 24 ? 11 : 15;
    const height = rows * row;
    byId('run-life-chart').style.height = `${height + 350}px`;
    const marks = detail.decisions.filter(([, event]) => MARKED.includes(event)).slice(0, 12);
    const bad = detail.outcomes.filter(([name]) => name !== 'completed');
    const counts = detail.outcomes.map(([name, count]) => `${count} ${WORDS(name)}`).join(', ');
    byId('run-life-chart').setAttribute('aria-label', `${detail.replicas_in_all} replicas over time by state, and attempts by arrival and duration, of run ${detail.run}. Attempts: ${counts}.`);
    byId('run-life-caption').textContent = `Above: each row is a replica, each colour what it does${rows < detail.replicas_in_all ? ` (${rows} of ${detail.replicas_in_all} replicas, those that change)` : ''}. Below: attempts that ended badly${bad.reduce((sum, [, count]) => sum + count, 0) > 60 ? ' (60 of them)' : ''} and the thirty slowest that completed. Dashed lines are numbered as in the list of what the controller did.`;
    const legend = (color) => [
      ['stable, ready', 'box', color('stable')], ['new, ready', 'box', color('new')], ['starting', 'box', color('new-tint')],
      ['pending', 'dashed-box', color('muted')], ['terminating', 'box', color('costly')], ['failed or unready', 'box', color('alert')],
      ...[...new Set(detail.attempts.map((attempt) => attempt[10]))].map((name) => [WORDS(name), OUTCOMES[name][0], color(OUTCOMES[name][1])]),
    ];
    draw('run-life', (color, narrow) => lifeOption(this.known, detail, marks, height, color, narrow), legend);
    const { chart } = charts.get('run-life');
    chart.resize();
    zoomable('run-life', 0, this.known.window_minutes);
    byId('run-decisions').replaceChildren(decisions(detail, marks));
    byId('run-attempts').replaceChildren(table(`Attempts of run ${detail.run} by how they ended`, [['ended as', 'attempts'], ...detail.outcomes.map(([name, count]) => [WORDS(name), String(count)])]), worst(detail));
  }

  // Every metric that varies, beside its median.
  measure() {
    const index = this.position.get(this.run);
    const rows = [...this.known.metrics].sort((a, b) => b.headline - a.headline).map((metric) => {
      const { text, share } = this.standing(metric, index);
      const known = metric.values.filter((value) => value !== null).sort((a, b) => a - b);
      const median = known[Math.ceil(known.length / 2) - 1];
      return [metric.name, text, written(metric, median), share === undefined ? 'n/a' : `P${Math.round(share)}`];
    });
    byId('run-metrics').replaceChildren(table(`Run ${this.run} beside the median of runs; metrics that are the same in every run are left out`, [['metric', `run ${this.run}`, 'median of runs', 'its quantile'], ...rows]));
  }
}

// A metric's value with its unit.
function written(metric, value) {
  const text = show(value, metric.quantity);
  return metric.quantity === 'plain' && value !== null ? `${text} ${metric.unit}` : text;
}

// Up to thirty bars of equal, round width: middles and percents.
function bars(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const whole = values.every(Number.isInteger);
  let width = high > low ? roundUp([(high - low) / 30]) : Math.abs(low) / 10 || 1;
  if (whole) width = Math.max(1, Math.ceil(width));
  const first = Math.floor(low / width) * width - (whole ? width / 2 : 0);
  const counts = new Array(Math.floor((high - first) / width) + 1).fill(0);
  values.forEach((value) => { counts[Math.min(counts.length - 1, Math.floor((value - first) / width))] += 1; });
  return { width, bars: counts.map((count, i) => [first + (i + 0.5) * width, (100 * count) / values.length]) };
}

// Colour, and whether only outlined, of a state.
function stateLook(state, isNew) {
  switch (state) {
    case 'pending': return ['muted', true];
    case 'ready': case 'available': return [isNew ? 'new' : 'stable', false];
    case 'unready': return ['alert', true];
    case 'terminating': return ['costly', false];
    case 'failed': return ['alert', false];
    default: return [isNew ? 'new-tint' : 'stable-tint', false];
  }
}

// Each replica's states as rows of: from, to (minutes), row, replica, version, state.
function segments(known, detail) {
  return detail.replicas.flatMap(([id, version, changes], row) => changes.flatMap(([since, state], i) => {
    const name = known.states[state];
    const from = Math.max(0, since / 60);
    const to = Math.min(known.window_minutes, i + 1 < changes.length ? changes[i + 1][0] / 60 : known.window_minutes);
    return name === 'gone' || to <= from ? [] : [[from, to, row, id, version, name]];
  }));
}

function lifeOption(known, detail, marks, height, color, narrow) {
  const left = narrow ? 64 : 92;
  const grids = [[30, height], [height + 74, 200]].map(([top, tall]) => ({ left, right: 20, top, height: tall, outerBoundsMode: 'none' }));
  const took = detail.attempts.map((attempt) => attempt[9]).filter((value) => value > 0);
  const least = took.length ? Math.min(...took) : 0.1;
  const numbered = (named) => together(marks, known.window_minutes / 100).map(({ time, name, events }) => ({
    axis: 'xAxis', at: time / 60, name, shown: named, position: 'start',
    look: { type: 'dashed', width: 1, color: events.some((event) => BAD.includes(event)) ? color('alert') : color('muted') },
  }));
  const states = segments(known, detail);
  const kinds = [...new Set(detail.attempts.map((attempt) => attempt[10]))];
  const xAxis = (index) => axis(color, {
    gridIndex: index, min: 0, max: known.window_minutes, splits: index === 1, axisLabel: { show: true },
    ...(index === 1 ? { name: 'minutes since time zero', nameLocation: 'middle', nameGap: 26 } : {}),
  });
  return {
    grid: grids,
    xAxis: [xAxis(0), xAxis(1)],
    yAxis: [
      axis(color, { gridIndex: 0, type: 'category', inverse: true, data: detail.replicas.map(([id, version]) => `${id} ${version}`), splits: false, axisTick: { show: false }, axisLabel: { fontSize: 10, width: left - 10, overflow: 'truncate' } }),
      logAxis(color, took.length ? took : [0.1, 10], { gridIndex: 1, ...above('attempt took, s (log)') }),
    ],
    tooltip: tooltip(color, { trigger: 'item', formatter: (item) => lifeAt(item, detail) }),
    dataZoom: [slider(color, [0, 1], 0, known.window_minutes)],
    series: [
      {
        type: 'custom', name: 'states', data: states, encode: { x: [0, 1], y: 2 }, clip: true, xAxisIndex: 0, yAxisIndex: 0,
        renderItem: (params, api) => stateBar(states[params.dataIndex], api, color),
        markLine: marked(color, numbered(true)),
      },
      ...kinds.map((kind, i) => ({
        type: 'scatter', name: kind, xAxisIndex: 1, yAxisIndex: 1, symbol: OUTCOMES[kind][0], symbolSize: kind === 'completed' ? 7 : 9,
        data: detail.attempts.flatMap((attempt, j) => (attempt[10] === kind && attempt[9] !== null ? [[attempt[2] / 60, Math.max(attempt[9], least), j]] : [])),
        itemStyle: kind === 'completed' ? { color: 'transparent', borderColor: color('stable-ink'), borderWidth: 1.4 } : { color: color(OUTCOMES[kind][1]) },
        ...(i === 0 ? { markLine: marked(color, numbered(false)) } : {}),
      })),
    ],
  };
}

function stateBar([from, to, row, , version, state], api, color) {
  const [left, middle] = api.coord([from, row]);
  const [right] = api.coord([to, row]);
  const height = api.size([0, 1])[1] * 0.74;
  const [name, outlined] = stateLook(state, version !== 'stable');
  const shape = { x: left, y: middle - height / 2, width: Math.max(0.8, right - left), height };
  const style = outlined
    ? { fill: color('paper'), stroke: color(name), lineWidth: 1, lineDash: [3, 2] }
    : { fill: color(name), stroke: color('paper'), lineWidth: 0.6 };
  return { type: 'rect', shape, style };
}

function lifeAt({ seriesName, value }, detail) {
  const box = element('div');
  if (seriesName === 'states') {
    const [from, to, , id, version, state] = value;
    box.append(element('strong', `replica ${id}, ${version}: ${state}`), element('div', `minute ${Number(from.toFixed(2))} to ${Number(to.toFixed(2))} (${show((to - from) * 60, 'seconds')})`));
  } else if (value) {
    const [id, attempt, arrival, prompt, answer, emitted, version, replica, ttft, took, outcome] = detail.attempts[value[2]];
    box.append(element('strong', `request ${id}, attempt ${attempt}: ${WORDS(outcome)}`));
    [`arrived at minute ${Number((arrival / 60).toFixed(2))}`, replica === null ? 'reached no replica' : `replica ${replica}, ${version}`, `prompt of ${prompt}, answer of ${answer} tokens, ${emitted} emitted`, `first token after ${show(ttft, 'seconds')}, took ${show(took, 'seconds')}`].forEach((line) => box.append(element('div', line)));
  }
  return box.outerHTML;
}

function decisions(detail, marks) {
  const rows = detail.decisions.map((decision) => {
    const [time, event, more, why] = decision;
    const mark = marks.indexOf(decision);
    return [mark < 0 ? '' : String(mark + 1), minutes(time / 60), WORDS(event), more, why];
  });
  return table(`What the controller and the world did in run ${detail.run}`, [['mark', 'time', 'what', 'detail', 'why'], ...rows]);
}

function worst(detail) {
  const isBad = (attempt) => attempt[10] !== 'completed';
  const rows = [...detail.attempts].sort((a, b) => isBad(b) - isBad(a) || (b[9] ?? Infinity) - (a[9] ?? Infinity)).slice(0, 30);
  const header = ['request', 'attempt', 'arrived', 'ended as', 'took', 'first token after', 'prompt', 'answer, emitted of wanted', 'version', 'replica'];
  return table(`The worst attempts of run ${detail.run}: those that ended badly, longest first, then the slowest`, [header, ...rows.map(([id, attempt, arrival, prompt, answer, emitted, version, replica, ttft, took, outcome]) => [
    String(id), String(attempt), minutes(arrival / 60), WORDS(outcome), show(took, 'seconds'), show(ttft, 'seconds'), `${prompt} tokens`, `${emitted} of ${answer} tokens`, version, replica === null ? '' : String(replica),
  ])]);
}
