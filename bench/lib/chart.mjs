// The chart: bars of the ratio to the floor, as SVG without a library.

const WIDTH = 760;
const LABELS = 250;
const VALUES = 150;
const ROW = 30;
const BAR = 18;
const TOP = 44;

const escape = (text) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Bars with the spread of the paired ratios as a line on each. @param rows `{ name, ratio: { median, low, high } }` */
export function chart(rows) {
  const most = Math.max(1, ...rows.map(({ ratio }) => ratio.high));
  const x = (value) => LABELS + (value / most) * (WIDTH - LABELS - VALUES);
  const height = TOP + rows.length * ROW + 16;
  const bars = rows.map(({ name, ratio }, index) => {
    const y = TOP + index * ROW;
    const middle = y + BAR / 2;
    const fill = name.startsWith('Latchkey') ? '#2f6f9f' : '#9aa5ad';
    const range = `${ratio.median.toFixed(2)}  (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`;
    return [
      `<text x="${LABELS - 10}" y="${middle + 4}" text-anchor="end">${escape(name)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${(x(ratio.median) - LABELS).toFixed(1)}" height="${BAR}" fill="${fill}"/>`,
      `<path d="M${x(ratio.low).toFixed(1)} ${middle}H${x(ratio.high).toFixed(1)}" stroke="#1b1f23" stroke-width="1.5"/>`,
      `<text x="${(x(Math.max(ratio.high, ratio.median)) + 8).toFixed(1)}" y="${middle + 4}">${range}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="#1b1f23" role="img" aria-label="Requests a second, the floor as 1">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="10" y="22" font-weight="600">Requests a second, the floor as 1: median and spread of the paired ratios</text>
<path d="M${x(1).toFixed(1)} ${TOP - 8}V${height - 10}" stroke="#c0392b" stroke-dasharray="3 3"/>
${bars.join('\n')}
</svg>
`;
}
