// Distributions and the waterfall.

const CURVE_LOOKS = [['stable-ink', 'dotted'], ['new', 'solid'], ['ink', 'dashed'], ['costly-ink', 'solid']];

// The share that is left above each value, both axes logarithmic.
function survival({ curves, bounds, x, y }) {
  return (color, narrow) => {
    const xs = [...curves.flatMap((curve) => curve.x), ...bounds.map(([at]) => at)];
    const ys = [100, ...curves.flatMap((curve) => curve.y)];
    const ends = curves.map((curve) => Math.log(curve.x[curve.x.length - 1]));
    const room = (Math.max(...ends) - Math.log(Math.min(...xs))) / 8;
    // A label steps up where another line ends close to the right of its own.
    const lift = (end) => -6 - 15 * ends.filter((other) => other > end && other - end < room).length;
    const [low, high] = [Math.log(Math.min(...xs)), Math.log(Math.max(...xs))];
    // Its name stays within the panel.
    const aside = (at) => [(Math.log(at) - low) / (high - low) > 0.85 ? -40 : 0, 0];
    const bound = bounds.map(([at, name]) => ({ axis: 'xAxis', at, name, look: { color: color('alert') }, position: 'end', offset: aside(at) }));
    return {
      grid: { left: narrow ? 48 : 60, right: narrow ? 18 : 90, top: 56, bottom: 54, outerBoundsMode: 'none' },
      xAxis: logAxis(color, xs, { name: x, nameLocation: 'middle', nameGap: 28 }),
      yAxis: logAxis(color, ys, { max: 100, ...above(y, 22) }),
      tooltip: tooltip(color, {
        trigger: 'item',
        formatter: ({ seriesName, value }) => `${seriesName}: ${show(value[1] / 100, 'share')} take longer than ${show(value[0], 'seconds')}`,
      }),
      series: curves.map((curve, i) => ({
        type: 'line', name: curve.name, data: curve.x.map((at, j) => [at, curve.y[j]]), symbolSize: 9, showSymbol: true,
        symbol: 'circle', itemStyle: { color: color(CURVE_LOOKS[i][0]), opacity: 0 }, emphasis: { itemStyle: { opacity: 1 } },
        lineStyle: { color: color(CURVE_LOOKS[i][0]), type: CURVE_LOOKS[i][1], width: 2, opacity: 1 },
        endLabel: { show: !narrow, formatter: curve.name, color: color(CURVE_LOOKS[i][0]), fontSize: 11, offset: [0, lift(ends[i])], textBorderColor: color('paper'), textBorderWidth: 3 },
        ...(i === 0 ? { markLine: marked(color, bound) } : {}),
      })),
    };
  };
}

const survivalLegend = ({ curves }) => (color) => curves.map((curve, i) => {
  const [name, type] = CURVE_LOOKS[i];
  return [curve.name, { solid: 'line', dashed: 'dashes', dotted: 'dots' }[type], color(name)];
});

// Bars of a histogram over runs, with marks.
function histogram(rows, width, marks, name, color, narrow, barColor) {
  const low = rows[0][0] - width / 2;
  const high = rows[rows.length - 1][0] + width / 2;
  const empty = Math.max(0, 6 - rows.length) * width / 2;
  return {
    grid: { left: narrow ? 44 : 60, right: narrow ? 18 : 30, top: 52, bottom: 52, outerBoundsMode: 'none' },
    xAxis: axis(color, { min: low - empty, max: high + empty, name, nameLocation: 'middle', nameGap: 28, splits: false, axisLabel: { showMinLabel: false, showMaxLabel: false } }),
    yAxis: axis(color, { min: 0, max: roundUp(rows.map((row) => row[1])), ...above('share of runs, %') }),
    tooltip: tooltip(color, { trigger: 'item', formatter: ({ value }) => `${Number(value[2].toPrecision(3))} % of runs` }),
    series: [{
      ...whiskered(rows.map(([middle, share]) => [middle - width / 2, middle + width / 2, share, null, null]), color(barColor), color('ink')),
      markLine: marked(color, marks),
    }],
  };
}

function cutResponses({ x, y, width, mean, p95 }) {
  return (color, narrow) => {
    const one = (estimate, name, position, type) => ({
      axis: 'xAxis', at: estimate.value, name: `${name} ${estimate.text}`, look: { color: color('ink'), type }, position,
    });
    const marks = [one(mean, 'mean', 'end', 'solid'), one(p95, '\nP95 of runs', narrow ? 'insideEndTop' : 'end', 'dashed')];
    marks[0].name += mean.value < p95.value ? '\n' : '';
    return histogram(x.map((at, i) => [at, y[i]]), width, marks, width > 1 ? `responses cut in a run, bars of ${width}` : 'responses cut in a run', color, narrow, 'alert');
  };
}

// Parts that add up to a total, with whiskers.
function waterfall(steps) {
  return (color, narrow) => {
    const rows = steps.map(({ base, mean }, i) => [i, base, base + mean.value, mean.low === null ? null : base + mean.low, mean.high === null ? null : base + mean.high]);
    return {
      grid: { left: narrow ? 48 : 60, right: 16, top: 36, bottom: narrow ? 70 : 40, outerBoundsMode: 'none' },
      xAxis: axis(color, {
        type: 'category', data: steps.map(({ name }) => name), splits: false, axisTick: { show: false },
        axisLabel: { interval: 0, rotate: narrow ? 45 : 0, color: color('ink') },
      }),
      yAxis: axis(color, { min: Math.min(0, ...rows.map((row) => row[2])), max: roundUp(rows.flatMap((row) => [row[1], row[2], row[4] ?? 0]).map((value) => value * (narrow ? 1.06 : 1.14))), ...above('USD per million useful output tokens') }),
      tooltip: tooltip(color, { trigger: 'item', formatter: ({ dataIndex }) => `${steps[dataIndex].name}: ${steps[dataIndex].mean.text}` }),
      series: [{
        type: 'custom', data: rows, encode: { x: 0, y: [1, 2] },
        renderItem: (params, api) => waterfallStep(steps, rows, params.dataIndex, api, color, narrow),
      }],
    };
  };
}

function waterfallStep(steps, rows, i, api, color, narrow) {
  const [, from, to, low, high] = rows[i];
  const width = api.size([1, 0])[0] * 0.62;
  const [middle, top] = api.coord([i, Math.max(from, to)]);
  const [, bottom] = api.coord([i, Math.min(from, to)]);
  const height = Math.max(1.5, bottom - top);
  const children = [{ type: 'rect', shape: { x: middle - width / 2, y: top, width, height }, style: { fill: color(steps[i].kind) } }];
  let peak = top;
  if (low !== null && high !== null) {
    const [, y1] = api.coord([i, low]);
    const [, y2] = api.coord([i, high]);
    const stroke = steps[i].kind === 'ink' ? color('alert') : color('ink');
    children.push({ type: 'line', shape: { x1: middle, y1, x2: middle, y2 }, style: { stroke, lineWidth: 1.4 } });
    peak = Math.min(top, y1, y2);
  }
  if (i + 1 < rows.length) {
    const [next] = api.coord([i + 1, to]);
    const [, y] = api.coord([i, to]);
    children.push({ type: 'line', shape: { x1: middle + width / 2, y1: y, x2: next - width / 2, y2: y }, style: { stroke: color('muted'), lineWidth: 0.8 } });
  }
  // Intervals stand above the bars where none would touch its neighbour's; the table has them all.
  const fits = steps.every(({ mean }) => mean.text.length - mean.text.indexOf('[') < api.size([1, 0])[0] / 6);
  const text = narrow || !fits ? steps[i].mean.text.replace(/ \[.*/, '') : steps[i].mean.text.replace(' [', '\n[');
  // On a phone there is no room for the names of steps that can hardly be seen: the table has them.
  const total = steps[steps.length - 1].mean.value;
  if (!narrow || steps[i].mean.value > 0.08 * total) children.push({ type: 'text', style: { text, x: middle, y: peak - 5, align: 'center', verticalAlign: 'bottom', fill: color('ink'), fontSize: 11, lineHeight: 14, fontFamily: FONT } });
  return { type: 'group', children };
}
