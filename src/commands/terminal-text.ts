import { isAbsolute, relative } from 'node:path'
import { inOneLine } from '../platform/lib/one-line.ts'

/**
 * Text that may come from a stranger, as one line that a terminal can show: without control characters, which a terminal
 * would obey, and cut where `width` columns end; a width of 0 is that of a terminal that does not know it.
 */
export function oneLine(text: string, width = Number.POSITIVE_INFINITY): string {
  const plain = inOneLine(text).trimEnd()
  const letters = [...plain]
  return width === 0 || letters.length <= width ? plain : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`
}

/** `09:41:02`, in the terminal's own time. */
export function timeOfDay(moment: Date): string {
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

/** `1 deal`, `31 deals`, `9,237 leads`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${wholeNumber(count)} ${count === 1 ? one : many}`
}

/** `9,237`. */
export const wholeNumber = (value: number): string => value.toLocaleString('en-US')

/** `0.9 s`. */
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

/** The file as somebody in the working folder would write it; the whole path where that would lead outside. */
export function shortPath(path: string): string {
  const short = relative('.', path)
  return short.startsWith('..') || isAbsolute(short) ? path : short || '.'
}
