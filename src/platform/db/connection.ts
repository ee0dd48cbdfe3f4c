import pg from 'pg'
import { statementName } from './statement-name.ts'

/**
 * A connection that prepares every statement with parameters, whoever sends it: DBOS sends its own unprepared, and planning
 * them anew each time costs PostgreSQL more than running them. What is sent within one turn of the event loop goes out in
 * one packet: on a busy server a write to the socket costs more than making the statement.
 */
export class Connection extends pg.Client {
  #gathering = false

  override query = ((config: unknown, values?: unknown, callback?: unknown): unknown => {
    const query = super.query.bind(this) as (...args: unknown[]) => unknown
    this.#gather()
    if (typeof config !== 'string' || !Array.isArray(values)) return query(config, values, callback)
    const name = statementName(config)
    return name === undefined ? query(config, values, callback) : query({ name, text: config, values }, callback)
  }) as pg.Client['query']

  #gather(): void {
    if (this.#gathering) return
    const { stream } = this.connection
    this.#gathering = true
    stream.cork()
    process.nextTick(() => {
      this.#gathering = false
      stream.uncork()
    })
  }
}
