import type pg from 'pg'
import { isConnectionError } from './errors.ts'
import type { Given, Statement } from './statement.ts'
import { statementName } from './statement-name.ts'

/**
 * Writes that wait for the end of their transaction. `flush` sends what has gathered, with `write`; it is called before
 * COMMIT and before a savepoint begins or ends. `forget` drops what has gathered since: its savepoint is rolled back.
 */
export interface PutOff {
  flush(): void
  forget(): void
}

/**
 * The connection of one transaction. Statements are sent as they are called, one behind the other and without waiting for
 * the answers of those before, and PostgreSQL answers in the same order; what is awaited is only what is needed.
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

  /** Why a `write` failed: every statement after it is refused by PostgreSQL with an error that says nothing. */
  get failure(): Error | undefined {
    return this.#failure
  }

  async run<Input extends object, Row>(statement: Statement<Input, Row>, input: Input): Promise<Row[]> {
    const { rows } = await this.#send(statement, input)
    return rows.map((row) => camelCased<Row>(row))
  }

  write<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    answered?: (rows: Row[]) => void,
  ): void {
    // On the very promise of the answer: whoever awaits a later one must find the failure noted.
    this.#send(statement, input).then(
      ({ rows }) => answered?.(rows.map((row) => camelCased<Row>(row))),
      (err: Error) => {
        this.#failure ??= err
      },
    )
  }

  putOff(writes: PutOff): void {
    this.#putOff.push(writes)
  }

  flush(): void {
    for (const writes of this.#putOff) writes.flush()
  }

  /** Nothing more is sent: a branch that was not awaited must not write into somebody else's transaction. */
  close(): void {
    this.#open = false
  }

  /** Runs `work`; when it throws, what it wrote is rolled back, and the transaction may go on. */
  async savepoint<Result>(work: () => Promise<Result>): Promise<Result> {
    this.flush()
    await this.#client.query('SAVEPOINT attempt')
    if (this.#failure !== undefined) throw this.#failure
    try {
      const result = await work()
      this.flush()
      await this.#client.query('RELEASE SAVEPOINT attempt')
      return result
    } catch (thrown) {
      const err = this.#failure ?? thrown
      if (isConnectionError(err)) throw err
      for (const writes of this.#putOff) writes.forget()
      await this.#client.query('ROLLBACK TO SAVEPOINT attempt')
      this.#failure = undefined
      throw err
    }
  }

  #send<Input extends object>(
    statement: Statement<Input, unknown>,
    input: Input,
  ): Promise<pg.QueryResult<Readonly<Record<string, unknown>>>> {
    if (!this.#open) return Promise.reject(new Error('the transaction has ended: everything in it must be awaited'))
    const { text, values } = statement.bind({ ...this.#given, ...input })
    const name = statementName(text)
    return this.#client.query({ ...(name === undefined ? {} : { name }), text, values: [...values] })
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
