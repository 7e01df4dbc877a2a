// Puts the page together: shows what needs the script, draws the charts, minds theme, filter and print.

const figures = Object.fromEntries(data.figures);
document.querySelectorAll('.scripted').forEach((part) => { part.hidden = false; });

if (figures.timeline) drawTimeline(figures.timeline);
if (figures.latencies) draw('latencies', survival(figures.latencies), survivalLegend(figures.latencies));
if (figures['cut-responses']) draw('cut-responses', cutResponses(figures['cut-responses']));
if (figures['needed-grace']) draw('needed-grace', survival(figures['needed-grace']));
if (figures.cost) draw('cost', waterfall(figures.cost));
if (data.explorer) new Explorer(data.explorer);

const redrawAll = () => charts.forEach((_, id) => redraw(id));

// Day and night.
const root = document.documentElement;
const night = matchMedia('(prefers-color-scheme: dark)');
const themeButton = byId('theme');
const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : night.matches);
function showTheme() {
  themeButton.setAttribute('aria-pressed', String(isDark()));
  redrawAll();
}
themeButton.hidden = false;
themeButton.onclick = () => {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  showTheme();
};
night.addEventListener('change', showTheme);
themeButton.setAttribute('aria-pressed', String(isDark()));

// The filter of metrics.
const filter = byId('filter');
const metricRows = [...byId('metric-table').tBodies[0].rows];
filter.oninput = () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of metricRows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  byId('filter-count').textContent = words.length ? `${shown} of ${metricRows.length} metrics` : '';
};

// In print every table is open, and charts are as wide as the paper and light.
let opened = [];
let theme;
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('details:not([open])')];
  opened.forEach((part) => { part.open = true; });
  theme = root.dataset.theme;
  root.dataset.theme = 'light';
  root.classList.add('printing');
  charts.forEach(({ chart }) => chart.resize());
  redrawAll();
});
addEventListener('afterprint', () => {
  opened.forEach((part) => { part.open = false; });
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  root.classList.remove('printing');
  charts.forEach(({ chart }) => chart.resize());
  redrawAll();
});
