import { inOneLine } from '../../platform/lib/one-line.ts'

const MOST = 80

/** What a mail program makes a link of has one of these before another character; dots are those of other scripts, too. */
const LINKING = /([.\u3002\uff0e\uff61:/\\@])(?=\S)/gu

/**
 * A name that somebody has chosen, for a mail of ours to whom they like: one line and short, and nothing in it becomes a link.
 * Names that are no address stay as they are: `Dr. Müller & Co. KG`.
 */
export function plainName(name: string): string {
  const letters = [...inOneLine(name).trim()]
  const line = letters.length <= MOST ? letters.join('') : `${letters.slice(0, MOST - 1).join('')}…`
  return line.replace(LINKING, '$1 ')
}
