import { oneLine } from '../terminal-text.ts'

const WIDTH = 50
const REDRAW_EVERY_MS = 100

/**
 * On a terminal, lines at its end that are redrawn a few times a second: the bar, and below it who does what. Without
 * one, a line per 10 %. `detail` stands behind the bar: a rate, a state.
 */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream
  readonly #total: number | null
  #drawn = 0
  #drawnAt = Number.NEGATIVE_INFINITY
  #lastTenth = -1
  /** What was to be drawn too soon after the last time. */
  #owed: { readonly done: number; readonly total: number | null; readonly detail: string } | undefined
  /** What stands below the bar. */
  below: () => readonly string[] = () => []

  constructor(out: NodeJS.WriteStream, total: number | null) {
    this.#out = out
    this.#total = total
  }

  draw(done: number, total: number | null, detail: string): void {
    const whole = total ?? this.#total
    const share = whole === null || whole === 0 ? 0 : Math.min(done / whole, 1)
    // Who was sent twice may be told of twice.
    const count = whole === null ? `${done}` : `${Math.min(done, whole)}/${whole}`
    if (this.#out.isTTY) {
      const now = performance.now()
      const tooSoon = now - this.#drawnAt < REDRAW_EVERY_MS && share < 1
      this.#owed = tooSoon ? { done, total, detail } : undefined
      if (tooSoon) return
      this.#drawnAt = now
      const filled = Math.round(share * WIDTH)
      const bar = `  ${'━'.repeat(filled)}${'─'.repeat(WIDTH - filled)}  ${count}    ${detail}`
      const below = this.below()
      const lines = below.length === 0 ? [bar] : [bar, '', ...below]
      this.#erase()
      this.#out.write(lines.map((line) => oneLine(line, this.#out.columns)).join('\n'))
      this.#drawn = lines.length
      return
    }
    const tenth = Math.floor(share * 10)
    if (tenth === this.#lastTenth) return
    this.#lastTenth = tenth
    this.#out.write(`  ${count}    ${detail}\n`)
  }

  /** Prints a line above the bar. */
  above(line: string): void {
    this.#erase()
    this.#out.write(`${oneLine(line, this.#out.columns)}\n`)
    this.#drawnAt = Number.NEGATIVE_INFINITY
  }

  end(): void {
    this.#drawnAt = Number.NEGATIVE_INFINITY
    if (this.#owed !== undefined) this.draw(this.#owed.done, this.#owed.total, this.#owed.detail)
    if (this.#drawn > 0) this.#out.write('\n')
    this.#drawn = 0
  }

  #erase(): void {
    if (this.#drawn === 0) return
    this.#out.write(`\r${this.#drawn > 1 ? `\u001b[${this.#drawn - 1}A` : ''}\u001b[J`)
    this.#drawn = 0
  }
}
