import type pg from 'pg'
import { codeOf, isConnectionError } from './errors.ts'
import type { Given, Statement } from './statement.ts'
import { statementName } from './statement-name.ts'

/** Writes that wait for the end of their transaction. */
export interface PutOff {
  /** Sends what has gathered, with `write`; called before COMMIT and before a savepoint begins or ends. */
  flush(): void
  /** Where a savepoint begins; `forget` takes it back. */
  mark(): unknown
  /** Drops what has come since the mark; everything, where there was none yet. Its savepoint is rolled back. */
  forget(mark: unknown): void
  /** The transaction is about to end: what comes now would be lost, and must throw. */
  end(): void
}

/** "Current transaction is aborted": the answer to every statement after the one that failed. */
const ABORTED = '25P02'

/**
 * The connection of one transaction. Statements are sent as they are called, one behind the other and without waiting for
 * the answers of those before, and PostgreSQL answers in the same order; what is awaited is only what is needed. A
 * statement of `tx.sql` is sent some steps later: await it before the next.
 */
export class TransactionConnection {
  readonly #client: pg.PoolClient
  readonly #given: Given
  readonly #putOff: PutOff[] = []
  #failure: Error | undefined
  #open = true

  constructor(client: pg.PoolClient, given: Given) {
    this.#client = client
    this.#given = given
  }

  /** Why a `write` failed. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** What really went wrong: PostgreSQL refuses whatever follows a failed `write` with an error that says nothing. */
  causeOf(thrown: unknown): unknown {
    return codeOf(thrown) === ABORTED ? (this.#failure ?? thrown) : thrown
  }

  /** `given` stands for what the transaction is bound to, unless told. */
  async run<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    given: Given = this.#given,
  ): Promise<Row[]> {
    try {
      const { rows } = await this.#send(statement, input, given)
      return rows.map((row) => camelCased<Row>(row))
    } catch (err) {
      throw this.causeOf(err)
    }
  }

  write<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    answered?: (rows: Row[]) => void,
    given: Given = this.#given,
  ): void {
    // On the very promise of the answer: whoever awaits a later one must find the failure noted.
    this.#send(statement, input, given).then(
      ({ rows }) => answered?.(rows.map((row) => camelCased<Row>(row))),
      (err: Error) => {
        if (codeOf(err) !== ABORTED) this.#failure ??= err
      },
    )
  }

  putOff(writes: PutOff): void {
    this.#assertOpen()
    this.#putOff.push(writes)
  }

  flush(): void {
    for (const writes of this.#putOff) writes.flush()
  }

  /** Nothing more is sent: a branch that was not awaited must not write into somebody else's transaction. */
  close(): void {
    this.#open = false
    for (const writes of this.#putOff) writes.end()
  }

  /** Runs `work`; when it throws, what it wrote is rolled back, and the transaction may go on. */
  async savepoint<Result>(work: () => Promise<Result>): Promise<Result> {
    this.flush()
    await this.#control('SAVEPOINT attempt')
    const marks = new Map(this.#putOff.map((writes) => [writes, writes.mark()]))
    try {
      const result = await work()
      this.flush()
      await this.#control('RELEASE SAVEPOINT attempt')
      return result
    } catch (thrown) {
      const err = this.causeOf(thrown)
      if (isConnectionError(err)) throw err
      for (const writes of this.#putOff) writes.forget(marks.get(writes))
      // Released too: a savepoint around this one has the same name.
      await this.#control('ROLLBACK TO SAVEPOINT attempt')
      await this.#control('RELEASE SAVEPOINT attempt')
      this.#failure = undefined
      throw err
    }
  }

  async #control(text: string): Promise<void> {
    this.#assertOpen()
    try {
      await this.#client.query(text)
    } catch (err) {
      throw this.causeOf(err)
    }
  }

  #send<Input extends object>(
    statement: Statement<Input, unknown>,
    input: Input,
    given: Given,
  ): Promise<pg.QueryResult<Readonly<Record<string, unknown>>>> {
    this.#assertOpen()
    const { text, values } = statement.bind({ ...input, ...given })
    const name = statementName(text)
    return this.#client.query({ ...(name === undefined ? {} : { name }), text, values: [...values] })
  }

  #assertOpen(): void {
    if (!this.#open) throw new Error('the transaction has ended: everything in it must be awaited')
  }
}

const camelNames = new Map<string, string>()

function camelName(column: string): string {
  let name = camelNames.get(column)
  if (name === undefined) {
    name = column.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
    camelNames.set(column, name)
  }
  return name
}

function camelCased<Row>(row: Readonly<Record<string, unknown>>): Row {
  const named: Record<string, unknown> = {}
  for (const column in row) named[camelName(column)] = row[column]
  return named as Row
}
