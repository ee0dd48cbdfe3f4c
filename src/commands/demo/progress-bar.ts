const WIDTH = 50

/**
 * One line that is redrawn on a terminal; without one, a line per 10 %. `detail` stands behind the bar: a rate, a state.
 */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream
  readonly #total: number | null
  #drawn = false
  #lastTenth = -1

  constructor(out: NodeJS.WriteStream, total: number | null) {
    this.#out = out
    this.#total = total
  }

  draw(done: number, total: number | null, detail: string): void {
    const whole = total ?? this.#total
    const share = whole === null || whole === 0 ? 0 : Math.min(done / whole, 1)
    const count = whole === null ? `${done}` : `${done}/${whole}`
    if (this.#out.isTTY) {
      const filled = Math.round(share * WIDTH)
      this.#out.write(`\r\u001b[K  ${'━'.repeat(filled)}${'─'.repeat(WIDTH - filled)}  ${count}    ${detail}`)
      this.#drawn = true
      return
    }
    const tenth = Math.floor(share * 10)
    if (tenth === this.#lastTenth) return
    this.#lastTenth = tenth
    this.#out.write(`  ${count}    ${detail}\n`)
  }

  /** Prints a line above the bar. */
  above(line: string): void {
    this.#out.write(this.#drawn ? `\r\u001b[K${line}\n` : `${line}\n`)
    this.#drawn = false
  }

  end(): void {
    if (this.#drawn) this.#out.write('\n')
    this.#drawn = false
  }
}
