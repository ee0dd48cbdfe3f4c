import pg from 'pg'
import { StartFault } from '../lib/start-fault.ts'
import { onlyRow } from './only-row.ts'

const OLDEST_VERSION = 150_000

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'the connection was cut',
}

/**
 * One connection of its own, for what needs a session: the first contact with the database, locks, migrations. The caller
 * ends it. Throws a StartFault that says in words why there is none, or that the server is older than PostgreSQL 15.
 * `setting` is the name of the setting the URL came from; no message repeats the URL's password.
 */
export async function connectDirect(url: string, setting = 'DATABASE_URL'): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'cadre start',
  })
  // Without a listener a cut connection ends the process; the statement under way fails by itself.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (err) {
    await client.end()
    throw explain(err, url, setting)
  }
  const { number, version } = onlyRow(
    await client.query<{ number: number; version: string }>(
      "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version",
    ),
  )
  if (number < OLDEST_VERSION) {
    await client.end()
    throw new StartFault(
      `${setting}: PostgreSQL ${version} is too old. Cadre needs 15 or newer.`,
      'Leave it out to use the embedded PostgreSQL.',
    )
  }
  return client
}

function explain(err: unknown, url: string, setting: string): unknown {
  const hint = `Leave ${setting} out to use the embedded PostgreSQL.`
  const { host, port, username, pathname } = new URL(url)
  const address = port === '' ? `${host}:5432` : host
  const { code, message } = firstOf(err)
  if (err instanceof pg.DatabaseError) {
    if (code === '28P01' || code === '28000') {
      return new StartFault(`${setting}: ${address} does not let the user ${username} in (${message}).`, hint, err)
    }
    if (code === '3D000') {
      const name = decodeURIComponent(pathname.slice(1))
      return new StartFault(
        `${setting}: there is no database ${name} at ${address}.`,
        `Create it (CREATE DATABASE "${name}"), or leave ${setting} out to use the embedded PostgreSQL.`,
        err,
      )
    }
    return new StartFault(`${setting}: ${address} refused the connection: ${message}.`, hint, err)
  }
  const reason = REASONS[code] ?? (/timeout/i.test(message) ? 'no answer' : message)
  return new StartFault(`${setting}: nobody answers at ${address} (${reason}).`, hint, err)
}

/** Node reports a host with several addresses as one AggregateError of its attempts. */
function firstOf(err: unknown): { code: string; message: string } {
  const one: unknown = err instanceof AggregateError ? err.errors[0] : err
  const { code = '', message = String(one) } = one as { code?: string; message?: string }
  return { code, message }
}
