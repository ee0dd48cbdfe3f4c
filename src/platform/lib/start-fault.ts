/**
 * Why the program cannot start, for the person at the terminal: `message` says what is wrong in one line, `hint` what
 * to do about it. Commands print both without a stack and exit 1.
 */
export class StartFault extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StartFault'
    this.hint = hint
  }
}
