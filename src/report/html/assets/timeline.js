// The chart over time: four panels over the same minutes.

function timelineOption(timeline, color, narrow) {
  const { edges, bands, latency, traffic } = timeline;
  const last = edges.length - 1;
  const middles = edges.slice(0, last).map((edge, i) => (edge + edges[i + 1]) / 2);
  const through = (values) => values.map((value, i) => [middles[i], value]);
  const stepped = (values) => [...values.map((value, i) => [edges[i], value]), [edges[last], values[last - 1]]];
  const panels = narrow ? [[48, 200], [290, 150], [482, 100], [624, 90]] : [[52, 230], [326, 180], [548, 110], [700, 96]];
  const left = narrow ? 44 : 60;
  const right = narrow ? 14 : 118;
  const on = (index) => ({ xAxisIndex: index, yAxisIndex: index });
  const line = (index, name, values, look, more = {}) => ({
    type: 'line', name, data: values, showSymbol: false, symbol: 'none', z: 4, ...on(index),
    lineStyle: { width: 1.8, ...look }, itemStyle: { color: look.color },
    endLabel: { show: !narrow && more.label !== '', formatter: more.label ?? name, color: more.ink ?? look.color, fontSize: 11 },
    ...more.series,
  });
  const sums = [];
  bands.reduce((below, band) => {
    const high = band.values.map((value, i) => value + below[i]);
    sums.push([below, high]);
    return high;
  }, middles.map(() => 0));
  const stacked = bands.map((band, i) => area(band.name, edges, ...sums[i], band.color === 'pending' ? 'none' : color(band.color), {
    steps: true, series: on(0), ...(band.color === 'pending' ? { stroke: color('muted'), dash: [3, 3] } : {}),
  }));
  const most = roundUp([...sums.flatMap(([, high]) => high), timeline.needed, ...timeline.least_ready.high]);
  const limit = timeline.limit !== null && timeline.limit <= most ? timeline.limit : null;
  const levels = [{ axis: 'yAxis', at: timeline.needed, name: `needed: ${timeline.needed}`, look: { color: color('alert') }, position: 'insideStartTop' }];
  if (limit !== null) levels.push({ axis: 'yAxis', at: limit, name: 'GPU limit', look: { color: color('ink'), type: 'dotted' } });
  const marks = (named) => timeline.marks.map(([at, name], i) => ({
    axis: 'xAxis', at, name: narrow && i > 0 ? '' : name, shown: named, look: { type: 'dashed', width: 1 },
    position: 'end',
  }));
  const harm = timeline.harm;
  const harmless = harm.every(({ bars }) => bars.length === 0);
  const bound = latency.slo;
  const reference = (index, lines, values) => ({
    type: 'line', data: values, silent: true, showSymbol: false, lineStyle: { width: 0 }, ...on(index), markLine: marked(color, lines),
    tooltip: { show: false }, z: 5,
  });
  const spread = (index, name, low, high, fill, more) => (low.length ? [area(name, edges, low, high, fill, { series: { ...on(index), z: 2 }, ...more })] : []);
  const latencies = [...latency.p50, ...latency.p99, ...latency.low, ...latency.high, ...(bound ? [bound[0] * 1.3] : [])].filter((v) => v > 0);
  const silent = latencies.length === 0;
  const lowest = silent ? 0.1 : Math.min(...latencies) / 1.15;
  const xAxis = (index) => axis(color, {
    gridIndex: index, min: edges[0], max: edges[last], axisLabel: { show: index === 3, formatter: (value) => String(Math.round(value * 100) / 100) },
    splits: false, axisPointer: { show: true, snap: false, label: { show: false }, lineStyle: { color: color('ink'), type: 'solid', width: 1 } },
    ...(index === 3 ? { name: 'minutes since time zero, the end of the warm-up', nameLocation: 'middle', nameGap: 26 } : {}),
  });
  return {
    grid: panels.map(([top, height]) => ({ left, right, top, height, outerBoundsMode: 'none' })),
    xAxis: [0, 1, 2, 3].map(xAxis),
    yAxis: [
      axis(color, { gridIndex: 0, min: 0, max: most, minInterval: 1, ...above(timeline.runs > 1 ? 'replicas, mean of runs' : 'replicas', timeline.marks.length ? 24 : 8) }),
      logAxis(color, silent ? [0.1, 10] : latencies, { gridIndex: 1, ...above('time to first token, s (log)') }),
      axis(color, { gridIndex: 2, min: 0, max: roundUp([...traffic.mean, ...traffic.high]), splitNumber: 3, axisLabel: { showMaxLabel: false }, ...above('requests/s') }),
      axis(color, { gridIndex: 3, min: 0, max: harmless ? 1 : roundUp(harm.flatMap(({ bars }) => bars.map((bar) => Math.min(bar[4] ?? bar[2], 3 * bar[2])))), splitNumber: 2, ...above(`${narrow ? 'cut and errors a minute' : 'responses cut and errors, per minute'}${harmless ? (timeline.runs > 1 ? ': none in any run' : ': none') : ''}`) }),
    ],
    axisPointer: { link: [{ xAxisIndex: 'all' }], triggerTooltip: true },
    tooltip: tooltip(color, { trigger: 'axis', formatter: (params) => timelineAt(timeline, params[0].axisValue) }),
    dataZoom: [slider(color, [0, 1, 2, 3], edges[0], edges[last])],
    series: [
      ...stacked,
      ...spread(0, 'least ready, 90 % of runs', timeline.least_ready.low, timeline.least_ready.high, `${color('ink')}2e`, { steps: true }),
      line(0, 'least ready', stepped(timeline.least_ready.mean), { color: color('ink'), type: 'dashed', width: 1.4 }, { label: 'least ready', series: { step: 'end' } }),
      reference(0, [...levels, ...marks(true)], stepped(timeline.least_ready.mean)),
      ...spread(1, 'P99 within a run, 90 % of runs', latency.low, latency.high, color('new-tint'), { least: lowest }),
      line(1, 'P50', through(latency.p50), { color: color('stable-ink'), type: 'dashed' }, { label: 'P50 of all' }),
      line(1, 'P99', through(latency.p99), { color: color('new') }, { label: 'P99 of all' }),
      reference(1, [...(bound ? [{ axis: 'yAxis', at: bound[0], name: bound[1], look: { color: color('alert') }, position: 'insideStartTop' }] : []), ...marks(false)], through(latency.p99)),
      ...spread(2, 'requests/s, 90 % of runs', traffic.low, traffic.high, color('stable-tint'), {}),
      line(2, 'all requests', through(traffic.mean), { color: color('stable-ink') }, { label: '' }),
      line(2, 'to the new version', through(timeline.traffic_new), { color: color('new'), type: 'dashed' }, { label: timeline.marks.length ? 'to the new version' : '' }),
      reference(2, marks(false), through(traffic.mean)),
      ...harm.map(({ name, bars, color: fill }) => whiskered(bars, color(fill), color('ink'), { name, ...on(3) })),
      reference(3, marks(false), through(middles.map(() => 0))),
    ],
  };
}

// Everything at one time, as lines of a tooltip.
function timelineAt(timeline, at) {
  const { edges, latency, traffic } = timeline;
  const next = edges.findIndex((edge) => edge > at);
  const i = next < 0 ? edges.length - 2 : Math.max(0, next - 1);
  const number = (value) => (value === null || value === undefined ? 'n/a' : String(Number(value.toPrecision(3))));
  const between = ({ low, high }, write) => (low.length ? ` [${write(low[i])} to ${write(high[i])}]` : '');
  const seconds = (value) => show(value, 'seconds');
  const rows = [
    ...timeline.bands.filter((band) => band.values[i] > 0).map((band) => [`replicas ${band.name}`, number(band.values[i])]),
    ['least ready', `${number(timeline.least_ready.mean[i])}${between(timeline.least_ready, number)} of ${number(timeline.needed)} needed`],
    ['TTFT P50', seconds(latency.p50[i])],
    ['TTFT P99', seconds(latency.p99[i])],
    ...(latency.low.length ? [['P99 within a run', `${seconds(latency.low[i])} to ${seconds(latency.high[i])}`]] : []),
    ['requests/s', `${number(traffic.mean[i])}${between(traffic, number)}`],
    ['to the new version', `${number(timeline.traffic_new[i])} requests/s`],
    ...timeline.harm.map(({ name, bars }) => {
      const bar = bars.find(([from, to]) => at >= from && at < to);
      const interval = bar && bar[3] !== null ? ` [${number(bar[3])}, ${number(bar[4])}]` : '';
      return [`${name} a minute`, bar ? `${number(bar[2])}${interval}` : '0'];
    }),
  ];
  const box = element('div');
  box.append(element('strong', `minute ${number(edges[i])}`));
  for (const [name, value] of rows) {
    const line = element('div', `${name}: `);
    line.append(element('b', value));
    box.append(line);
  }
  return box.outerHTML;
}

function drawTimeline(timeline) {
  const legend = (color) => [
    ...timeline.bands.map((band) => [band.name, band.color === 'pending' ? 'dashed-box' : 'box', color(band.color === 'pending' ? 'muted' : band.color)]),
    [timeline.runs > 1 ? 'least ready, mean of runs' : 'least ready', 'dashes', color('ink')],
    ...(timeline.runs > 1 ? [['90 % of runs', 'box', color('new-tint')]] : []),
    [timeline.runs > 1 ? 'P99, all runs\' requests' : 'P99 of requests', 'line', color('new')],
    [timeline.runs > 1 ? 'P50, all runs\' requests' : 'P50 of requests', 'dashes', color('stable-ink')],
    ['all traffic', 'line', color('stable-ink')],
    ...(timeline.marks.length ? [['traffic to the new version', 'dashes', color('new')]] : []),
    ['responses cut', 'box', color('alert')],
    ['errors', 'box', color('costly-ink')],
  ];
  draw('timeline', (color, narrow) => timelineOption(timeline, color, narrow), legend);
  zoomable('timeline', timeline.edges[0], timeline.edges[timeline.edges.length - 1]);
}
