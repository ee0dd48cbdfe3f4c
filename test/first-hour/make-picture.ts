// Draws a terminal from what a command printed, for the README:
//   script -qefc 'npm run -s demo' /dev/null | npx tsx test/first-hour/make-picture.ts 'npm run demo' > docs/demo.svg
// Colours and cursor movements are taken out: of a line that was drawn over, the last state is kept.

import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'

const COLUMNS = 92
const LINE = 19
const MARGIN = 18
const BAR = 34
const COLUMN = 8.02

const markup = (raw: string): string => raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const isTold = (line: string): boolean => /^ {2}\d\d:\d\d:\d\d/.test(line)

/** Lines as they stand at the end; of the feed some from its beginning to its end. */
function linesOf(printed: string, toldAtMost: number): string[] {
  const lines = stripVTControlCharacters(printed.replaceAll('\r\n', '\n'))
    .trimEnd()
    .split('\n')
    .map((line) => (line.split('\r').findLast((state) => state.trim() !== '') ?? '').trimEnd())
    .map((line) => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line))
  const told = lines.filter(isTold)
  const shown = new Set(told.filter((_, index) => index % Math.ceil(told.length / toldAtMost) === 0))
  return lines.filter((line) => !isTold(line) || shown.delete(line))
}

const command = process.argv[2] ?? ''
const lines = [`$ ${command}`, ...linesOf(await text(process.stdin), 11)]
const width = Math.round(COLUMNS * COLUMN) + 2 * MARGIN
const height = BAR + lines.length * LINE + MARGIN
const rows = lines.map((line, index) => {
  const kind = index === 0 ? 'typed' : /Nothing lost/.test(line) ? 'good' : isTold(line) ? 'told' : 'plain'
  return `<text class="${kind}" x="${MARGIN}" y="${BAR + LINE * (index + 0.7)}" xml:space="preserve">${markup(line)}</text>`
})
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${markup(command)}">
<style>
  text { font: 13.33px ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
  .typed { fill: #f4f1e8; font-weight: 600 } .plain { fill: #c9cdd6 } .told { fill: #9fd0c2 } .good { fill: #b5dd7a; font-weight: 600 }
</style>
<rect width="${width}" height="${height}" rx="10" fill="#171b26"/>
<circle cx="20" cy="17" r="5" fill="#4a5163"/><circle cx="37" cy="17" r="5" fill="#4a5163"/><circle cx="54" cy="17" r="5" fill="#4a5163"/>
${rows.join('\n')}
</svg>
`)
