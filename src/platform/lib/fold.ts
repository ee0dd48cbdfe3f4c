/**
 * Text as names are searched by: without case and accents (`Åsa Öberg` → `asa oberg`). Stored beside the name in a
 * `…Folded` column whenever the name is written, and applied to what is searched for.
 */
export const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()

const LAST_CODE_POINT = 0x10ffff
const FIRST_SURROGATE = 0xd800
const AFTER_SURROGATES = 0xe000

/**
 * The smallest text, in the order of code points (COLLATE "C"), that is greater than every text with this prefix;
 * undefined when there is none. With it `startsWith` is a range that an index serves whatever the statement's plan.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = [...prefix]
  for (;;) {
    const last = points.pop()?.codePointAt(0)
    if (last === undefined) return undefined
    if (last === LAST_CODE_POINT) continue
    const next = last + 1 === FIRST_SURROGATE ? AFTER_SURROGATES : last + 1
    return points.join('') + String.fromCodePoint(next)
  }
}
