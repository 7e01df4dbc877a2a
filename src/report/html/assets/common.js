// What every chart shares: the page's data, its colours, numbers as people read them, redrawing when the look changes.

const data = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);

// The colours of the moment: by day, by night or in print.
function palette() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

// Three significant digits with a unit, as the report writes them.
function show(value, quantity) {
  if (value === null || value === undefined) return 'n/a';
  const size = Math.abs(value);
  const digits = (number) => {
    const shown = Math.abs(number);
    if (shown === 0 || (Number.isInteger(number) && shown < 1e4)) return String(number);
    return number.toFixed(Math.max(0, 2 - Math.floor(Math.log10(shown) + 1e-9)));
  };
  const scaled = () => {
    if (size >= 1e9) return `${digits(value / 1e9)}G`;
    if (size >= 1e6) return `${digits(value / 1e6)}M`;
    return size >= 1e4 ? `${digits(value / 1e3)}k` : digits(value);
  };
  switch (quantity) {
    case 'seconds':
      if (size >= 7200) return `${digits(value / 3600)} h`;
      if (size >= 120) return `${digits(value / 60)} min`;
      if (size >= 1 || size === 0) return `${digits(value)} s`;
      return size >= 1e-3 ? `${digits(value * 1e3)} ms` : `${digits(value * 1e6)} µs`;
    case 'usd': return value < 0 ? `-$${size < 100 ? size.toFixed(2) : scaled().slice(1)}` : `$${size < 100 ? value.toFixed(2) : scaled()}`;
    case 'share': return `${digits(100 * value)} %`;
    default: return scaled();
  }
}

const minutes = (value) => `${Number(value.toFixed(1))} min`;

// An element with text, which is never markup.
function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// A table from rows of texts, the first its header; the first cell of each row names it.
function table(caption, rows) {
  const made = element('table');
  made.append(element('caption', caption));
  const header = element('tr');
  rows[0].forEach((cell) => header.append(element('th', cell, { scope: 'col' })));
  const head = element('thead');
  head.append(header);
  const body = element('tbody');
  for (const row of rows.slice(1)) {
    const line = element('tr');
    row.forEach((cell, i) => line.append(i === 0 ? element('th', cell, { scope: 'row' }) : element('td', cell)));
    body.append(line);
  }
  made.append(head, body);
  const frame = element('div', undefined, { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption });
  frame.append(made);
  return frame;
}

// Charts by name: what draws them, and on what.
const charts = new Map();

const isNarrow = (frame) => frame.clientWidth < 560;

// Draws a chart, now and whenever the look of the page changes; `build` makes its options from the palette.
function draw(id, build, legend) {
  const frame = byId(`${id}-chart`);
  if (!frame) return null;
  let entry = charts.get(id);
  if (!entry) {
    entry = { chart: echarts.init(frame, null, { renderer: 'svg' }), frame, narrow: isNarrow(frame) };
    charts.set(id, entry);
    new ResizeObserver(() => fit(id)).observe(frame);
  }
  entry.build = build;
  entry.legend = legend;
  redraw(id, false);
  return entry.chart;
}

function redraw(id, keepsZoom = true) {
  const { chart, build, frame, legend } = charts.get(id);
  const zoom = keepsZoom ? range(chart) : null;
  const color = palette();
  chart.setOption({ ...common(color), ...build(color, isNarrow(frame)) }, { notMerge: true });
  if (zoom) zoomTo(chart, zoom);
  if (legend) showLegend(id, frame, legend(color));
}

// Follows the width of the page.
function fit(id) {
  const entry = charts.get(id);
  if (entry.frame.clientWidth === 0) return;
  entry.chart.resize();
  if (entry.narrow !== isNarrow(entry.frame)) {
    entry.narrow = isNarrow(entry.frame);
    redraw(id);
  }
}

// Names of lines and areas with a sample of each, in a list above the chart.
function showLegend(id, frame, items) {
  let list = byId(`${id}-legend`);
  if (!list) {
    list = element('ul', undefined, { id: `${id}-legend`, class: 'legend', 'aria-label': 'Legend' });
    frame.before(list);
  }
  list.replaceChildren(...items.map(([name, look, color]) => {
    const item = element('li', name);
    const sample = element('span', undefined, { class: `sample ${look}`, 'aria-hidden': 'true' });
    sample.style.setProperty('--color', color);
    item.prepend(sample);
    return item;
  }));
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

function common(color) {
  return {
    animation: false,
    backgroundColor: 'transparent',
    textStyle: { color: color('ink'), fontFamily: FONT, fontSize: 12 },
  };
}

function tooltip(color, more) {
  return {
    backgroundColor: color('panel'),
    borderColor: color('muted'),
    textStyle: { color: color('ink'), fontSize: 12 },
    confine: true,
    transitionDuration: 0,
    ...more,
  };
}

// An axis in the page's look.
function axis(color, more) {
  return {
    type: 'value',
    axisLine: { show: true, onZero: false, lineStyle: { color: color('muted') } },
    axisTick: { show: true, lineStyle: { color: color('muted') } },
    axisLabel: { color: color('muted'), hideOverlap: true, ...more.axisLabel },
    splitLine: { lineStyle: { color: color('grid') }, show: more.splits !== false },
    nameTextStyle: { color: color('muted'), ...more.nameTextStyle },
    ...Object.fromEntries(Object.entries(more).filter(([key]) => !['axisLabel', 'nameTextStyle', 'splits'].includes(key))),
  };
}

// A name above the upper end of a y axis, from the left edge of the panel.
const above = (name, gap = 8) => ({ name, nameLocation: 'end', nameGap: gap, nameTextStyle: { align: 'left' } });

// Round numbers between two positive ones: powers of ten where they are many, more between them where they are few.
function logTicks(low, high) {
  const ticks = [];
  const decades = Math.log10(high / low);
  const factors = decades > 2.6 ? [1] : decades > 0.7 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade += 1) {
    for (const factor of factors) {
      const tick = Number((factor * 10 ** decade).toPrecision(2));
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

// A logarithmic axis around these values.
function logAxis(color, values, more) {
  const positive = values.filter((value) => value > 0);
  const low = Math.min(...positive) / 1.15;
  const high = Math.max(...positive) * 1.15;
  const ticks = logTicks(low, high);
  return axis(color, {
    type: 'log', min: low, max: high, minorTick: { show: false }, splits: false,
    axisTick: { customValues: ticks },
    ...more,
    axisLabel: { customValues: ticks, formatter: more.write ?? String, ...more.axisLabel },
  });
}

// The least round number above all of these; 1 where none is above zero.
function roundUp(values) {
  const greatest = Math.max(...values.filter((value) => value !== null && value !== undefined));
  if (!(greatest > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(greatest));
  return unit * [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12].find((factor) => factor * unit >= greatest * 1.04);
}

// The parts of a line in which it has values, as lists of indices.
function parts(...columns) {
  const found = [];
  let last = null;
  columns[0].forEach((_, i) => {
    const known = columns.every((column) => column[i] !== null && column[i] !== undefined);
    if (known && last !== null) last.push(i);
    else if (known) found.push(last = [i]);
    else last = null;
  });
  return found;
}

// A filled area between two lines that are level over each group, or that go through the groups' middles.
function area(name, edges, low, high, fill, more = {}) {
  const points = (part, values) => part.flatMap((i) => (more.steps
    ? [[edges[i], values[i]], [edges[i + 1], values[i]]]
    : [[(edges[i] + edges[i + 1]) / 2, values[i]]]));
  return {
    type: 'custom',
    name,
    silent: true,
    clip: true,
    data: [[edges[0], high.find((value) => value !== null) ?? 0]],
    z: 1,
    ...more.series,
    renderItem: (params, api) => {
      const place = ([x, y]) => api.coord([x, more.least ? Math.max(y, more.least) : y]);
      const polygon = (part) => ({
        type: 'polygon',
        shape: { points: [...points(part, high).map(place), ...points(part, low).reverse().map(place)] },
        style: { fill, stroke: more.stroke ?? 'none', lineWidth: more.stroke ? 1 : 0, lineDash: more.dash },
      });
      return { type: 'group', children: parts(low, high).map(polygon) };
    },
  };
}

// Bars from zero with whiskers: rows of from, to, value, low, high.
function whiskered(rows, fill, ink, more = {}) {
  return {
    type: 'custom',
    clip: true,
    data: rows,
    encode: { x: [0, 1], y: [2, 4] },
    z: 2,
    ...more,
    renderItem: (params, api) => {
      const [from, to, value, low, high] = rows[params.dataIndex];
      const [left, top] = api.coord([from, value]);
      const [right, bottom] = api.coord([to, 0]);
      const gap = Math.min(1, (right - left) * 0.1);
      const shape = { x: left + gap, y: top, width: Math.max(0.5, right - left - 2 * gap), height: bottom - top };
      const children = [{ type: 'rect', shape, style: { fill } }];
      if (low !== null && high !== null) {
        const middle = (left + right) / 2;
        const [, y1] = api.coord([from, low]);
        const [, y2] = api.coord([from, high]);
        children.push({ type: 'line', shape: { x1: middle, y1, x2: middle, y2 }, style: { stroke: ink, lineWidth: 1 } });
      }
      return { type: 'group', children };
    },
  };
}

// Marked positions on an axis, each with its name.
function marked(color, lines) {
  return {
    symbol: 'none',
    silent: true,
    animation: false,
    data: lines.map(({ at, name, axis: which, look, position, shown, offset }) => ({
      [which]: at,
      lineStyle: { width: 1.4, type: 'solid', color: color('muted'), ...look },
      label: {
        show: shown !== false, formatter: name, position: position ?? 'insideEndTop', offset: offset ?? [0, 0], color: look?.color ?? color('muted'),
        fontSize: 11, textBorderColor: color('paper'), textBorderWidth: 3,
      },
    })),
  };
}

// The part of the x axis that a chart shows; null if it cannot be zoomed.
function range(chart) {
  const zoom = chart.getOption()?.dataZoom?.[0];
  return zoom ? [zoom.startValue, zoom.endValue] : null;
}

function zoomTo(chart, [startValue, endValue]) {
  chart.dispatchAction({ type: 'dataZoom', dataZoomIndex: 0, startValue, endValue });
}

function slider(color, axes, low, high) {
  return {
    type: 'slider', show: !document.documentElement.classList.contains('printing'), xAxisIndex: axes, filterMode: 'none', startValue: low, endValue: high, minValueSpan: (high - low) / 200,
    height: 22, bottom: 8, showDetail: false, brushSelect: false, borderColor: color('grid'),
    fillerColor: `${color('stable')}33`, backgroundColor: 'transparent',
    handleStyle: { color: color('paper'), borderColor: color('muted') },
    moveHandleStyle: { color: color('stable') }, showDataShadow: false,
  };
}

// Buttons, dragging and the wheel zoom a chart between two ends of its x axis.
function zoomable(id, low, high) {
  const entry = charts.get(id);
  if (entry.zooms) return;
  entry.zooms = true;
  const { chart, frame } = entry;
  const least = (high - low) / 200;
  const show = (from, to) => {
    const width = Math.min(Math.max(to - from, least), high - low);
    const start = Math.min(Math.max((from + to - width) / 2, low), high - width);
    zoomTo(chart, [start, start + width]);
  };
  const steps = {
    in: (from, to) => show(from + (to - from) / 4, to - (to - from) / 4),
    out: (from, to) => show(from - (to - from) / 2, to + (to - from) / 2),
    earlier: (from, to) => show(from - (to - from) / 3, to - (to - from) / 3),
    later: (from, to) => show(from + (to - from) / 3, to + (to - from) / 3),
    reset: () => show(low, high),
  };
  const group = document.querySelector(`[data-chart="${id}"]`);
  group.onclick = (event) => steps[event.target.dataset.zoom]?.(...range(chart));
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    const [x] = chart.convertFromPixel({ gridIndex: 0 }, [event.clientX - box.left, event.clientY - box.top]);
    return Math.min(Math.max(x, low), high);
  };
  frame.onwheel = (event) => {
    if (!event.shiftKey) return;
    event.preventDefault();
    const [from, to] = range(chart);
    const middle = at(event);
    const factor = (event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8;
    show(middle - (middle - from) * factor, middle + (to - middle) * factor);
  };
  dragged(frame, (from, to) => show(Math.min(from, to), Math.max(from, to)), at);
}

// Tells which stretch of a chart a mouse was dragged over, and shows it meanwhile. Fingers scroll the page.
function dragged(frame, done, at) {
  let start = null;
  const veil = element('div', undefined, { class: 'veil' });
  frame.onpointerdown = (event) => {
    const box = frame.getBoundingClientRect();
    const onSlider = event.clientY > box.bottom - 40;
    if (event.pointerType !== 'touch' && event.button === 0 && !onSlider) start = { x: event.clientX - box.left, value: at(event) };
  };
  const moved = (event) => {
    if (start === null) return;
    const x = event.clientX - frame.getBoundingClientRect().left;
    if (Math.abs(x - start.x) > 6 && !veil.isConnected) frame.append(veil);
    veil.style.left = `${Math.min(x, start.x)}px`;
    veil.style.width = `${Math.abs(x - start.x)}px`;
  };
  const ended = (event) => {
    if (start !== null && veil.isConnected) done(start.value, at(event));
    veil.remove();
    start = null;
  };
  window.addEventListener('pointermove', moved);
  window.addEventListener('pointerup', ended);
}
